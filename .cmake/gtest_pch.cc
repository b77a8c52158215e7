// Holds the precompiled header of gtest and gmock; see rooms.cmake.
