#include "harness/rpc/older_agent.h"

#include <capnp/any.h>
#include <capnp/dynamic.h>
#include <kj/string.h>

#include "schema/agent.capnp.h"
#include "schema/support/base/wire_error.h"

namespace harness {
namespace {

using capnp::AnyPointer;

// Returns the minor that brought a field or value; 0 if that was the first.
template <typename Declaration>
uint16_t sinceOf(Declaration declaration) {
  for (auto annotation : declaration.getProto().getAnnotations()) {
    if (annotation.getId() == wire::SINCE_ANNOTATION) return annotation.getValue().getUint16();
  }
  return 0;
}

// Looks through one request for what an agent of `agentMinor` does not know.
class Check {
 public:
  Check(kj::StringPtr method, uint16_t agentMinor) : method_(method), agentMinor_(agentMinor) {}

  // A field with its default value means the same to an agent that does not know it, and so does
  // the first member of a union.
  void requireKnown(capnp::DynamicStruct::Reader value, kj::StringPtr path) const {
    for (auto field : value.getSchema().getNonUnionFields()) {
      if (value.has(field, capnp::HasMode::NON_DEFAULT)) visit(value, field, path);
    }
    KJ_IF_MAYBE (field, value.which()) {
      bool isFirst = field->getProto().getDiscriminantValue() == 0;
      if (!isFirst || value.has(*field, capnp::HasMode::NON_DEFAULT)) visit(value, *field, path);
    }
  }

 private:
  void visit(capnp::DynamicStruct::Reader value, capnp::StructSchema::Field field,
             kj::StringPtr path) const {
    auto name = kj::str(path, path.size() == 0 ? "" : ".", field.getProto().getName());
    require(sinceOf(field), name);
    visit(value.get(field), name);
  }

  void visit(capnp::DynamicValue::Reader value, kj::StringPtr name) const {
    switch (value.getType()) {
      case capnp::DynamicValue::STRUCT:
        requireKnown(value.as<capnp::DynamicStruct>(), name);
        break;
      case capnp::DynamicValue::ENUM:
        KJ_IF_MAYBE (enumerant, value.as<capnp::DynamicEnum>().getEnumerant()) {
          require(sinceOf(*enumerant), kj::str(name, " = ", enumerant->getProto().getName()));
        }
        break;
      case capnp::DynamicValue::LIST:
        visitAll(value.as<capnp::DynamicList>(), name);
        break;
      default:
        break;
    }
  }

  void visitAll(capnp::DynamicList::Reader list, kj::StringPtr name) const {
    auto type = list.getSchema().getElementType();
    if (!type.isStruct() && !type.isEnum() && !type.isList()) return;
    for (auto element : list) visit(element, name);
  }

  void require(uint16_t since, kj::StringPtr name) const {
    if (since <= agentMinor_) return;
    support::fail(wire::Error::Kind::UNSUPPORTED, method_, ": ", name, " came with protocol ",
                  wire::PROTOCOL_MAJOR, ".", since, ", and this agent speaks ",
                  wire::PROTOCOL_MAJOR, ".", agentMinor_, "; upgrade it");
  }

  kj::StringPtr method_;
  uint16_t agentMinor_;
};

class CheckedRequest final : public capnp::RequestHook {
 public:
  CheckedRequest(kj::Own<capnp::RequestHook> inner, AnyPointer::Builder params,
                 capnp::InterfaceSchema::Method method, uint16_t agentMinor)
      : inner_(kj::mv(inner)), params_(params), method_(method), agentMinor_(agentMinor) {}

  capnp::RemotePromise<AnyPointer> send() override {
    requireKnown();
    return inner_->send();
  }
  kj::Promise<void> sendStreaming() override {
    requireKnown();
    return inner_->sendStreaming();
  }
  const void* getBrand() override { return nullptr; }

 private:
  void requireKnown() {
    auto name = kj::str(method_.getContainingInterface().getShortDisplayName(), ".",
                        method_.getProto().getName());
    Check(name, agentMinor_)
        .requireKnown(params_.getAs<capnp::DynamicStruct>(method_.getParamType()).asReader(), "");
  }

  kj::Own<capnp::RequestHook> inner_;
  AnyPointer::Builder params_;
  capnp::InterfaceSchema::Method method_;
  uint16_t agentMinor_;
};

// Finds a method in an interface or in those that it extends.
kj::Maybe<capnp::InterfaceSchema::Method> methodOf(capnp::InterfaceSchema interface,
                                                   uint64_t interfaceId, uint16_t methodId) {
  KJ_IF_MAYBE (found, interface.findSuperclass(interfaceId)) {
    auto methods = found->getMethods();
    if (methodId < methods.size()) return methods[methodId];
  }
  return nullptr;
}

class CheckedClient final : public capnp::ClientHook, public kj::Refcounted {
 public:
  CheckedClient(kj::Own<capnp::ClientHook> inner, capnp::InterfaceSchema interface,
                uint16_t agentMinor)
      : inner_(kj::mv(inner)), interface_(interface), agentMinor_(agentMinor) {}

  capnp::Request<AnyPointer, AnyPointer> newCall(uint64_t interfaceId, uint16_t methodId,
                                                 kj::Maybe<capnp::MessageSize> sizeHint) override {
    auto request = inner_->newCall(interfaceId, methodId, sizeHint);
    KJ_IF_MAYBE (method, methodOf(interface_, interfaceId, methodId)) {
      AnyPointer::Builder params = request;
      auto hook = kj::heap<CheckedRequest>(capnp::RequestHook::from(kj::mv(request)), params,
                                           *method, agentMinor_);
      return {params, kj::mv(hook)};
    }
    return request;
  }

  // Comes from a peer that was given this capability; ours is never given away.
  VoidPromiseAndPipeline call(uint64_t interfaceId, uint16_t methodId,
                              kj::Own<capnp::CallContextHook>&& context) override {
    return inner_->call(interfaceId, methodId, kj::mv(context));
  }

  // It is no promise of another capability: that one would not be checked.
  kj::Maybe<capnp::ClientHook&> getResolved() override { return nullptr; }
  kj::Maybe<kj::Promise<kj::Own<capnp::ClientHook>>> whenMoreResolved() override { return nullptr; }
  kj::Own<capnp::ClientHook> addRef() override { return kj::addRef(*this); }
  const void* getBrand() override { return nullptr; }
  kj::Maybe<int> getFd() override { return nullptr; }

 private:
  kj::Own<capnp::ClientHook> inner_;
  capnp::InterfaceSchema interface_;
  uint16_t agentMinor_;
};

}  // namespace

capnp::Capability::Client refuseNewerFields(capnp::Capability::Client capability,
                                            capnp::InterfaceSchema interface, uint16_t agentMinor) {
  auto inner = capnp::ClientHook::from(kj::mv(capability));
  return capnp::Capability::Client(
      kj::refcounted<CheckedClient>(kj::mv(inner), interface, agentMinor));
}

}  // namespace harness
