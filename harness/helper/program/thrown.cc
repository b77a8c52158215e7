#include "harness/helper/program/thrown.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <link.h>
#include <unwind.h>

#include <cstdlib>
#include <exception>
#include <typeinfo>

namespace harness {
namespace {

constexpr int kFramesMax = 64;

// The last throw of this thread. A handler compares the address of the exception, because one that
// came by other ways has no stack.
struct LastThrow {
  const void* exception = nullptr;
  int count = 0;
  uintptr_t frames[kFramesMax] = {};
};
thread_local LastThrow lastThrow;

// backtrace(3) would load a library, which the node may not have.
_Unwind_Reason_Code noteFrame(_Unwind_Context* context, void*) {
  if (lastThrow.count == kFramesMax) return _URC_END_OF_STACK;
  lastThrow.frames[lastThrow.count++] = _Unwind_GetIP(context);
  return _URC_NO_REASON;
}

std::string demangled(const char* name) {
  int status = 0;
  char* text = abi::__cxa_demangle(name, nullptr, nullptr, &status);
  std::string result = status == 0 ? text : name;
  std::free(text);
  return result;
}

// The object that an address is in. The program itself comes first in the list of objects.
struct Place {
  uintptr_t address = 0;
  uintptr_t base = 0;
  bool isProgram = false;
  int seen = 0;
};

int lookAt(dl_phdr_info* object, size_t, void* data) {
  Place& place = *static_cast<Place*>(data);
  bool isProgram = place.seen++ == 0;
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const auto& part = object->dlpi_phdr[i];
    uintptr_t begin = object->dlpi_addr + part.p_vaddr;
    bool isHere =
        part.p_type == PT_LOAD && place.address >= begin && place.address - begin < part.p_memsz;
    if (!isHere) continue;
    place.base = object->dlpi_addr;
    place.isProgram = isProgram;
    return 1;
  }
  return 0;
}

ThrownFrame frameOf(uintptr_t returnAddress) {
  // The call is before the address that it returns to.
  Place place{returnAddress - 1};
  dl_iterate_phdr(lookAt, &place);
  if (place.isProgram) return {place.address - place.base, ""};
  Dl_info info{};
  if (::dladdr(reinterpret_cast<void*>(place.address), &info) == 0) return {0, "unknown"};
  std::string object = info.dli_fname == nullptr ? "" : info.dli_fname;
  std::string function = info.dli_sname == nullptr ? "a function" : demangled(info.dli_sname);
  return {0, function + " of " + object.substr(object.rfind('/') + 1)};
}

}  // namespace

Thrown currentThrown() {
  Thrown thrown;
  const std::type_info* type = abi::__cxa_current_exception_type();
  thrown.type = type == nullptr ? "unknown" : demangled(type->name());
  const void* exception = nullptr;
  try {
    throw;
  } catch (const std::exception& error) {
    exception = dynamic_cast<const void*>(&error);
    thrown.message = error.what();
  } catch (const std::string& text) {
    exception = &text;
    thrown.message = text;
  } catch (const char* text) {
    thrown.message = text;
  } catch (...) {
    // Its type is all that can be said.
  }
  bool isLast = exception == nullptr || exception == lastThrow.exception;
  if (!isLast) return thrown;
  // The first frame is that of our own function.
  for (int i = 1; i < lastThrow.count; ++i) thrown.frames.push_back(frameOf(lastThrow.frames[i]));
  return thrown;
}

}  // namespace harness

extern "C" {

[[noreturn]] void __real___cxa_throw(void* exception, std::type_info* type, void (*destroy)(void*));

[[noreturn]] void __wrap___cxa_throw(void* exception, std::type_info* type,
                                     void (*destroy)(void*)) {
  harness::lastThrow.exception = exception;
  harness::lastThrow.count = 0;
  _Unwind_Backtrace(harness::noteFrame, nullptr);
  __real___cxa_throw(exception, type, destroy);
}
}
