// Holds a precompiled header; see rooms.cmake.
