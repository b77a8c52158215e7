// Keeps the descriptors 0 to 2 for what programs take them for.
#pragma once

namespace support {

// Opens /dev/null on those of the descriptors 0 to 2 that are closed. Otherwise they would become
// files of ours, and what is meant for standard output would be written into them. Input is opened
// for writing and output for reading: whoever uses one learns that it is not there (EBADF).
//
// Call it first in main, before anything opens a file. Ends the program with kExitSystem if
// /dev/null cannot be opened, since there is no stream to say it on.
void openStandardStreams();

}  // namespace support
