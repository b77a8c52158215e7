// Returns memory that only start-up needed to the kernel.
#pragma once

namespace nodeagent {

// Returns the heap's free pages to the kernel, and those of the program's code and constants. Pages
// of these that are needed again come from the page cache, by one fault for each 64 KiB. Call it at
// the end of the start, which runs through most of a program that uses a fraction of it afterwards.
// Writable data stays as it is. It cannot fail; at worst it releases nothing.
void trimResidentMemory();

}  // namespace nodeagent
