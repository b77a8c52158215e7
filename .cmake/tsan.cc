// Compiled into every program of a build with ThreadSanitizer, since agents start with an
// environment of their own.

// A daemon that goes on after a report would hide it: nobody reads what it wrote.
extern "C" const char* __tsan_default_options() {
  return "halt_on_error=1";
}

// What is reported and is no race of Muster's: Debian's libkj is built without the sanitizer, so
// that what its locks and counters order is not seen. Nothing else may stand here.
extern "C" const char* __tsan_default_suppressions() {
  return  // An answer for the loop of another thread, handed over under the lock of that loop.
      "race:kj::_::XThread\n"
      "race:kj::CrossThreadPromiseFulfiller\n"
      // Objects that their last holder deletes, whichever thread that is on.
      "race:kj::Own<nodeagent::file::RestoreJournal const>::dispose\n"
      "race:kj::Own<nodeagent::exec::MemoryRing>::dispose\n"
      "race:kj::Own<nodeagent::exec::SpoolFile::Shared>::dispose\n"
      "race:SharedOrder\n";
}
