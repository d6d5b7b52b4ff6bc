// Peers that misbehave at each step of what the dialler says with them: a node of ours, whose bytes are withheld, cut
// off, changed, or replaced from some write on.
#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/dial/dialer.h"

#include "core/dial/testing.h"  // last, with Catch: its CHECK is the one that counts here

namespace swage::dial::testing {
namespace {

using namespace std::chrono_literals;
using async::testing::Buffer;

const IpAddress kClient = *IpAddress::parse("127.0.0.1");

enum class Behaviour { stall, close, garbage, garbage_for_ever, flip };
constexpr Behaviour kBehaviours[] = {Behaviour::stall, Behaviour::close, Behaviour::garbage,
                                     Behaviour::garbage_for_ever, Behaviour::flip};

struct Sabotage {
  Behaviour behaviour{};
  int writes = 0;     // that pass
  bool half = false;  // and half of the next one
};

class Saboteur : public Stream {
 public:
  Saboteur(std::unique_ptr<Stream> below, Sabotage sabotage, async::Event& begun)
      : below_(std::move(below)), sabotage_(sabotage), begun_(begun), never_(begun.loop()) {}
  Task<Result<std::size_t>> read(MutableBytes into) override { return below_->read(into); }
  void close() override { below_->close(); }

 private:
  Task<Result<>> write_parts(Parts parts) override {
    Buffer bytes;
    for (const Bytes part : parts) bytes.insert(bytes.end(), part.begin(), part.end());
    if (done_ || sabotage_.writes-- > 0) co_return co_await below_->write(bytes);
    done_ = true;
    begun_.set();
    if (sabotage_.behaviour == Behaviour::flip) {
      bytes[sabotage_.half ? bytes.size() / 2 : bytes.size() - 1] ^= 0x40;
      co_return co_await below_->write(bytes);
    }
    bytes.resize(sabotage_.half ? bytes.size() / 2 : 0);
    CO_TRY(co_await below_->write(bytes));
    const Buffer garbage(16 * 1024, 0xA5);
    if (sabotage_.behaviour == Behaviour::garbage) CO_TRY(co_await below_->write(garbage));
    while (sabotage_.behaviour == Behaviour::garbage_for_ever) CO_TRY(co_await below_->write(garbage));
    if (sabotage_.behaviour != Behaviour::close) co_await never_.wait();
    below_->close();
    co_return fail("closed");
  }

  std::unique_ptr<Stream> below_;
  Sabotage sabotage_;
  bool done_ = false;
  async::Event& begun_;
  async::Event never_;
};

// Time plays no part here, other than that who stalls is given up 30 ms later: by the caller, who goes away.
Settings patient() {
  Settings settings;
  settings.timeout = settings.connect_timeout = settings.handshake_timeout = settings.identify_timeout =
      settings.target_timeout = 120s;
  settings.network_limit = settings.foreign_limit = {};
  settings.policy = AddressPolicy({*Prefix::parse("127.0.0.0/8")}, {});
  return settings;
}

Task<> give_up(async::Event& begun, async::Event& cancel) {
  co_await begun.wait();
  co_await async::sleep(begun.loop(), 30ms);
  cancel.set();
}

struct Series {
  Transport transport{};
  const char* security = "";
  bool above = false;  // WebSocket; else below it
  Behaviour behaviour{};
  bool half = false;
};

struct Meeting {
  bool reached = false;
  bool identified = false;
  std::string wrong;
};

Task<Meeting> meet(Loop& loop, Series series, int writes) {
  Meeting meeting;
  async::Event begun(loop), cancel(loop);
  Settings settings = patient();
  settings.on_identified = [&](const libp2p::PeerId&, const std::string&) {
    meeting.identified = true;
    cancel.set();
  };
  Dialer dialer(loop, key_of(1), settings);
  const auto spoil = [&](std::unique_ptr<Stream> stream) {
    return std::make_unique<Saboteur>(std::move(stream), Sabotage(series.behaviour, writes, series.half), begun);
  };
  Node::Options options;
  options.transport = series.transport;
  options.offer.securities = {series.security};
  (series.above ? options.above : options.below) = spoil;
  Node node(loop, key_of(2), options);
  std::vector<std::string> addresses;
  addresses.push_back(node.address());
  async::Tasks giving_up;
  giving_up.start(give_up(begun, cancel));
  const auto outcome = co_await dialer.reach(peer_of(2), std::move(addresses), kClient, cancel);
  if (!outcome && outcome.error().kind() != DialError::Kind::unreachable &&
      outcome.error().kind() != DialError::Kind::cancelled) {
    meeting.wrong += " " + outcome.error().text();
  }
  if (node.accepted() != 1) meeting.wrong += " accepted";
  if (dialer.dialling() != 0) meeting.wrong += " dialling";
  if (outcome) co_await async::wait_for(cancel, 60s);
  meeting.reached = outcome.has_value();
  co_return meeting;
}

// From the first write on, until everything goes well in spite of it. What was wrong.
Task<std::string> meet_until_well(Loop& loop, Series series) {
  for (int writes = 0; writes < 16; ++writes) {
    const Meeting meeting = co_await meet(loop, series, writes);
    std::string wrong = meeting.wrong;
    if (writes == 0 && meeting.reached) wrong += " reached";
    if (!wrong.empty()) co_return fmt::format("after {} writes:{}", writes, wrong);
    if (meeting.identified) co_return "";
  }
  co_return "never well";
}

std::vector<Series> all_series() {
  std::vector<Series> all;
  for (const char* const security : {"/noise", "/tls/1.0.0"}) {
    for (const auto& [transport, above] : {std::pair(Transport::tcp, false), std::pair(Transport::ws, false),
                                           std::pair(Transport::wss, false), std::pair(Transport::wss, true)}) {
      for (const Behaviour behaviour : kBehaviours) {
        for (const bool half : {false, true}) all.push_back({transport, security, above, behaviour, half});
      }
    }
  }
  return all;
}

}  // namespace

TEST_CASE("hostile: every behaviour at every step") {
  const std::size_t before = [] {
    const Loop loop;
    return descriptors();
  }();
  {
    Loop loop;
    const std::vector<Series> all = all_series();
    std::vector<std::optional<std::string>> wrong(all.size());
    Together together(loop);
    for (std::size_t i = 0; i < all.size(); ++i) together.add(meet_until_well(loop, all[i]), wrong[i]);
    together.run();
    for (std::size_t i = 0; i < all.size(); ++i) {
      const Series& series = all[i];
      INFO(to_string(series.transport) << " " << series.security << (series.above ? " above" : " below")
                                       << ", behaviour " << static_cast<int>(series.behaviour)
                                       << (series.half ? ", half a write" : ""));
      CHECK(wrong[i].value_or("no end") == "");
    }
  }
  const Loop loop;
  CHECK(descriptors() == before);
}

// Peers that prove who they are, and then flood who wants to identify them.
namespace {

struct Flood {
  const char* name;
  std::vector<std::uint8_t> first, again;
};

std::vector<std::uint8_t> frame(libp2p::yamux::Header header, const std::string& payload = "") {
  std::vector<std::uint8_t> bytes;
  header.length += static_cast<std::uint32_t>(payload.size());
  libp2p::yamux::append_header(bytes, header);
  bytes.insert(bytes.end(), payload.begin(), payload.end());
  return bytes;
}

Task<Result<>> prove_and_flood(Upgrader& upgrader, std::unique_ptr<Stream> stream, const Flood& flood, bool reads) {
  CO_TRY(Secured secured, co_await upgrader.secure(std::move(stream), Side::listener, std::nullopt));
  PushbackStream inside(std::move(secured.stream));
  std::vector<std::string> muxers;
  muxers.emplace_back(kMuxer);
  CO_TRY(co_await select(inside, Side::listener, std::move(muxers)));
  CO_TRY(co_await inside.write(flood.first));
  std::array<std::uint8_t, 1000> buffer;
  for (;;) {
    CO_TRY(co_await inside.write(flood.again));
    if (reads) CO_TRY(co_await inside.read(buffer));
  }
}

Task<> note_flood(Task<Result<>> task, bool& ended) {
  static_cast<void>(co_await std::move(task));
  ended = true;
}

}  // namespace

TEST_CASE("hostile: floods behind the proof end") {
  using enum libp2p::yamux::Type;
  using libp2p::yamux::kSyn;
  const std::string selected("\x13/multistream/1.0.0\n\x0f/ipfs/id/1.0.0\n", 36);
  std::vector<std::uint8_t> many;
  for (std::uint32_t id = 100; id < 2100; id += 2) {
    const auto syn = frame({data, kSyn, id, 0});
    many.insert(many.end(), syn.begin(), syn.end());
  }
  const std::vector<Flood> floods = {
      {"pings", {}, frame({ping, kSyn, 0, 7})},
      {"window updates", {}, frame({window_update, 0, 1, 0})},
      {"streams", frame({data, kSyn, 2, 0}), many},
      {"nothing but headers", {}, frame({data, 0, 1, 0})},
      {"data of a stream that nobody opened", {}, frame({data, 0, 5, 0}, std::string(60'000, 'x'))},
      {"data of identify's stream", {}, frame({data, 0, 1, 0}, std::string(60'000, 'x'))},
      {"an identify message without end", frame({data, 0, 1, 0}, selected),
       frame({data, 0, 1, 0}, std::string(4'000, 'x'))},
      {"identify messages without end", frame({data, 0, 1, 0}, selected), frame({data, 0, 1, 0}, "\x02\x32\x00")},
      {"proposals", frame({data, kSyn, 2, 0}, "\x13/multistream/1.0.0\n"), frame({data, 0, 2, 0}, "\x03/a\n")},
      {"go away", {}, frame({go_away, 0, 0, 0})},
      {"frames of a megabyte", {}, frame({data, kSyn, 2, 1'000'000})},
  };
  for (const Flood& flood : floods) {
    for (const bool reads : {false, true}) {
      INFO(flood.name << (reads ? ", reading" : ""));
      Settings settings = patient();
      settings.identify_timeout = 300ms;
      settings.on_identified = [](const libp2p::PeerId&, const std::string&) {};
      Loop loop;
      async::Event cancel(loop);
      Upgrader upgrader(loop, key_of(2));
      bool ended = false;
      async::Tasks tasks;
      auto listener =
          async::TcpListener::listen(loop, async::testing::loopback(), [&](std::unique_ptr<async::TcpStream> stream) {
            tasks.start(note_flood(prove_and_flood(upgrader, std::move(stream), flood, reads), ended));
          });
      REQUIRE(listener.has_value());
      Dialer dialer(loop, key_of(1), settings);
      std::vector<std::string> addresses = {fmt::format("/ip4/127.0.0.1/tcp/{}", (*listener)->local().port)};
      CHECK(run(loop, dialer.reach(peer_of(2), addresses, kClient, cancel)).has_value());
      const auto over = [](Loop& on, const Dialer& of) -> Task<bool> {
        for (int i = 0; i < 1000 && of.identifying() > 0; ++i) co_await async::sleep(on, 5ms);
        co_return of.identifying() == 0;
      };
      CHECK(run(loop, over(loop, dialer)));
    }
  }
}

}  // namespace swage::dial::testing
