// Gives each library of precompiled headers a source; see rooms.cmake.
