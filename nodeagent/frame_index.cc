// Lets the unwinder of the static agent find frames by the linker's sorted table of them.
//
// The start code of a static program registers its unsorted frames instead. The first exception
// then sorts tens of thousands of them, under a lock and on the keeper's loop, which takes over ten
// milliseconds. The linker sends both calls of the start code here (--wrap), so nothing is
// registered, and the unwinder takes the table that --eh-frame-hdr made, as in other programs.
extern "C" void __wrap___register_frame_info(const void*, void*) {}

extern "C" void* __wrap___deregister_frame_info(const void*) {
  return nullptr;
}
