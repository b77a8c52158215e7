// Names are never resolved here, only numeric addresses parsed. The library's network code refers
// to the resolver all the same, and the C library's would need its shared objects at run time, in a
// program that is static so as to need nothing.
#include <netdb.h>

extern "C" int getaddrinfo(const char*, const char*, const struct addrinfo*, struct addrinfo**) {
  return EAI_NONAME;
}

extern "C" void freeaddrinfo(struct addrinfo*) {}

extern "C" struct hostent* gethostbyname(const char*) {
  return nullptr;
}
