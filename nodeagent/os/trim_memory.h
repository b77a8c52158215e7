// What a process holds in memory of its start, and does not need while it waits.
#pragma once

namespace nodeagent {

// Gives back the heap's free pages, and those of the program's code and constants: what is needed
// of them again comes from the page cache, by a fault for each 64 KiB. For the end of the start,
// which runs through most of a program that afterwards uses a fraction. Data that can be written
// stays as it is. Cannot fail; at worst nothing is given back.
void trimResidentMemory();

}  // namespace nodeagent
