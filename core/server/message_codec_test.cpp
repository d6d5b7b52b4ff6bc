#include "core/server/message_codec.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <set>

#include <catch2/catch.hpp>

using namespace swage;
using namespace swage::server;
using namespace std::chrono_literals;

namespace {

using Anything =
    std::variant<message::Forbidden, message::PulsePage, message::OwnMetrics, message::SupervisorMetrics,
                 message::ProcessMetrics, message::PastMetrics, message::Corefile, message::Socket, message::SetUp,
                 message::Start, message::Ending, message::Drain, message::Memory, message::Declare, message::Keep,
                 message::Listen, message::Lameduck, message::Serves, message::StaysRoot, message::Settled,
                 message::Reload, message::End, message::Ready, message::Failed, message::FetchLine, message::OwnPiece,
                 message::WorkerPiece, message::DeclareWorkerMemory, message::ControlSocket, message::Reloads,
                 message::Forget, message::Upgrade, message::Upgrades>;

Descriptor some_descriptor() { return Descriptor(open("/dev/null", O_RDONLY | O_CLOEXEC)); }

bool is_forbidden(Packet packet) {
  return std::holds_alternative<message::Forbidden>(decode<Anything>(std::move(packet)));
}

const Endpoint kV4{*IpAddress::parse("192.0.2.1"), 53, 0};
const Endpoint kV6{*IpAddress::parse("2001:db8::1"), 5353, 0};

// One of each, with all fields set.
std::vector<Packet> all_packets() {
  std::vector<Packet> packets;
  packets.push_back(encode(message::PulsePage{some_descriptor()}));
  packets.push_back(encode(message::OwnMetrics{7, some_descriptor()}));
  packets.push_back(encode(message::SupervisorMetrics{some_descriptor()}));
  packets.push_back(encode(message::ProcessMetrics{1234, 7, some_descriptor()}));
  packets.push_back(encode(message::PastMetrics{1234, some_descriptor()}));
  packets.push_back(encode(message::PastMetrics{1234, std::nullopt}));
  packets.push_back(encode(message::Corefile{"/etc/swage/Corefile", 5300, some_descriptor()}));
  packets.push_back(encode(message::Socket{Transport::tcp, kV6, some_descriptor()}));
  packets.push_back(encode(message::FetchLine{3, Fetch::By::fetch, some_descriptor()}));
  packets.push_back(encode(message::OwnPiece{3, "rates", some_descriptor()}));
  packets.push_back(encode(message::WorkerPiece{3, "rates", some_descriptor()}));
  packets.push_back(encode(message::DeclareWorkerMemory{"rates", 1 << 20}));
  packets.push_back(encode(message::SetUp{true}));
  packets.push_back(encode(message::Start{}));
  packets.push_back(encode(message::Ending{}));
  packets.push_back(encode(message::Drain{5000ms}));
  packets.push_back(encode(message::Memory{{MemoryKind::service, "broker secret"}, some_descriptor()}));
  packets.push_back(encode(message::Declare{{MemoryKind::snapshot, "file example.org."}}));
  packets.push_back(encode(message::Keep{{MemoryKind::shared, "challenges"}}));
  packets.push_back(encode(message::Listen{Purpose::services, kV4, "Corefile:3"}));
  packets.push_back(encode(message::Lameduck{5000ms}));
  packets.push_back(encode(message::Serves{"dns://:53 example.org."}));
  packets.push_back(encode(message::StaysRoot{}));
  packets.push_back(encode(message::Settled{}));
  packets.push_back(encode(message::Reload{}));
  packets.push_back(encode(message::Upgrade{}));
  packets.push_back(encode(message::Upgrades{2, 4711, "exited with status 3"}));
  packets.push_back(encode(message::ControlSocket{some_descriptor()}));
  packets.push_back(encode(message::Reloads{3, 2, "Corefile:3: no such directive", 1'790'000'000}));
  packets.push_back(encode(message::Forget{"example.org."}));
  packets.push_back(encode(message::End{"why"}));
  packets.push_back(encode(message::Ready{}));
  packets.push_back(encode(message::Failed{"Corefile:3: no such directive"}));
  return packets;
}

Packet copy_of(const Packet& packet) {
  return {packet.bytes, packet.descriptor.exists() ? *packet.descriptor.duplicate() : Descriptor()};
}

}  // namespace

TEST_CASE("messages: each arrives as what it was, and each kind is told from the others") {
  std::set<char> kinds;
  for (Packet& packet : all_packets()) {
    INFO("kind '" << packet.bytes.front() << "'");
    kinds.insert(packet.bytes.front());
    const bool had_descriptor = packet.descriptor.exists();
    const Packet copy = copy_of(packet);
    const Anything message = decode<Anything>(std::move(packet));
    REQUIRE_FALSE(std::holds_alternative<message::Forbidden>(message));
    // Written again it is the same.
    const Packet again = std::visit(
        [](auto& each) {
          if constexpr (std::same_as<std::remove_cvref_t<decltype(each)>, message::Forbidden>) {
            return Packet{};
          } else {
            return encode(std::move(each));
          }
        },
        const_cast<Anything&>(message));
    CHECK(again.bytes == copy.bytes);
    CHECK(again.descriptor.exists() == had_descriptor);
  }
  CHECK(kinds.size() == std::variant_size_v<Anything> - 1);
}

TEST_CASE("messages: fields have the values that were sent") {
  const auto socket =
      std::get<message::Socket>(decode<Anything>(encode(message::Socket{Transport::tcp, kV6, some_descriptor()})));
  CHECK(socket.transport == Transport::tcp);
  CHECK(socket.endpoint == kV6);
  const auto listen =
      std::get<message::Listen>(decode<Anything>(encode(message::Listen{Purpose::services, kV4, "C:3"})));
  CHECK(listen.purpose == Purpose::services);
  CHECK(listen.endpoint == kV4);
  CHECK(listen.place == "C:3");
  CHECK(std::get<message::Drain>(decode<Anything>(encode(message::Drain{1234ms}))).within == 1234ms);
}

TEST_CASE("messages: what is too short, too long, or has a descriptor too many or too few, is forbidden") {
  for (const Packet& packet : all_packets()) {
    INFO("kind '" << packet.bytes.front() << "'");
    for (std::size_t size = 0; size < packet.bytes.size(); ++size) {
      Packet cut = copy_of(packet);
      cut.bytes.resize(size);
      CHECK(is_forbidden(std::move(cut)));
    }
    Packet longer = copy_of(packet);
    longer.bytes.push_back('\0');
    CHECK(is_forbidden(std::move(longer)));
    if (packet.bytes.front() == message::PastMetrics::kKind) continue;  // with one, or without
    Packet other = copy_of(packet);
    other.descriptor = packet.descriptor.exists() ? Descriptor() : some_descriptor();
    CHECK(is_forbidden(std::move(other)));
  }
}

TEST_CASE("messages: values out of range are forbidden") {
  const auto with = [](Packet packet, std::size_t at, char value) {
    packet.bytes[at] = value;
    return packet;
  };
  CHECK(is_forbidden(with(encode(message::SetUp{true}), 1, 2)));
  CHECK(is_forbidden(with(encode(message::Declare{{MemoryKind::service, "x"}}), 1, 3)));
  CHECK(is_forbidden(with(encode(message::Listen{Purpose::services, kV4, ""}), 1, 3)));
  CHECK(is_forbidden(with(encode(message::Listen{Purpose::services, kV4, ""}), 2, 5)));  // family
  CHECK(is_forbidden(with(encode(message::Serves{"text"}), 4, '\x7f')));                 // size: more than there is
  CHECK(is_forbidden(encode(message::Lameduck{std::chrono::milliseconds(-1)})));
  CHECK(is_forbidden(encode(message::Drain{std::chrono::hours(24 * 365)})));
  CHECK(is_forbidden(Packet{}));
  for (int kind = 0; kind < 256; ++kind) static_cast<void>(is_forbidden(Packet{{static_cast<char>(kind)}}));
}

TEST_CASE("messages: texts are cut off where they are too long for a packet") {
  const std::string huge(10 * Packet::kMaxText, 'x');
  const Packet packet = encode(message::Failed{huge});
  CHECK(packet.bytes.size() <= Packet::kMaxSize);
  CHECK(std::get<message::Failed>(decode<Anything>(copy_of(packet))).why.size() > Packet::kMaxText - 100);
  const auto endpoint = encode(message::Listen{Purpose::queries, kV6, huge});
  CHECK(endpoint.bytes.size() <= Packet::kMaxSize);
}

TEST_CASE("messages: of each sender only what it may say in its state is read") {
  std::set<char> dns, dns_serving, fetch, fetch_running, setting_up, running;
  for (const Packet& packet : all_packets()) {
    const auto is_one = [&]<typename Variant>(const Variant&) {
      return !std::holds_alternative<message::Forbidden>(decode<Variant>(copy_of(packet)));
    };
    const char kind = packet.bytes.front();
    if (is_one(FromDnsSettingUp())) dns.insert(kind);
    if (is_one(FromDnsServing())) dns_serving.insert(kind);
    if (is_one(FromFetchSettingUp())) fetch.insert(kind);
    if (is_one(FromFetchRunning())) fetch_running.insert(kind);
    if (is_one(FromServiceSettingUp())) setting_up.insert(kind);
    if (is_one(FromServiceRunning())) running.insert(kind);
  }
  using namespace message;
  CHECK(dns == std::set{Ready::kKind, Failed::kKind});
  CHECK(dns_serving.empty());
  CHECK(fetch == std::set{Memory::kKind, Ready::kKind, Failed::kKind});
  CHECK(fetch_running.empty());
  CHECK(setting_up == std::set{Declare::kKind, DeclareWorkerMemory::kKind, Memory::kKind, Keep::kKind, Listen::kKind,
                               Lameduck::kKind, Serves::kKind, StaysRoot::kKind, Ready::kKind, Failed::kKind});
  CHECK(running == std::set{Memory::kKind, Settled::kKind, Reload::kKind, Upgrade::kKind, Forget::kKind, End::kKind});
}
