// PassageTag: what the cloud must know again of a packet that it has sent through routers.
#pragma once

#include <ns3/tag.h>

#include <cstdint>

#include "sim/host_index.h"

namespace shoal::sim {

class PassageTag final : public ns3::Tag {
 public:
  PassageTag() = default;
  PassageTag(HostIndex to_host, std::uint32_t generation, bool udp)
      : to(to_host), to_generation(generation), is_udp(udp) {}

  HostIndex to = 0;
  std::uint32_t to_generation = 0;  // when it was sent
  bool is_udp = false;

  static ns3::TypeId GetTypeId() {
    static const ns3::TypeId kTypeId =
        ns3::TypeId("shoal::sim::PassageTag").SetParent<ns3::Tag>().AddConstructor<PassageTag>();
    return kTypeId;
  }
  ns3::TypeId GetInstanceTypeId() const override { return GetTypeId(); }
  std::uint32_t GetSerializedSize() const override { return 2 * sizeof(std::uint32_t) + 1; }
  void Serialize(ns3::TagBuffer buffer) const override {
    buffer.WriteU32(to);
    buffer.WriteU32(to_generation);
    buffer.WriteU8(is_udp ? 1 : 0);
  }
  void Deserialize(ns3::TagBuffer buffer) override {
    to = buffer.ReadU32();
    to_generation = buffer.ReadU32();
    is_udp = buffer.ReadU8() != 0;
  }
  void Print(std::ostream& out) const override { out << "to host " << to; }
};

}  // namespace shoal::sim
