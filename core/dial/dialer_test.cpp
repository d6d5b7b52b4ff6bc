#include "core/dial/dialer.h"

#include <sys/ioctl.h>
#include <sys/resource.h>

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/dial/dialer_testing.h"  // last, with Catch: its CHECK is the one that counts here

namespace swage::dial::testing {
namespace {

using namespace std::chrono_literals;
const IpAddress kClient = *IpAddress::parse("127.0.0.1");

std::string text_of(const Outcome& outcome) {
  static const std::array<const char*, 7> kKinds = {
      "other_transports", "nothing_dialable", "unreachable", "timed_out", "cancelled", "busy", "limited"};
  if (!outcome) return kKinds[static_cast<std::size_t>(outcome.error().kind())];
  return outcome->transport + " " + outcome->security;
}

// A listening socket that accepts nothing by itself; how many came is seen afterwards.
struct Silent {
  explicit Silent(const std::string& address = "127.0.0.1") {
    at.address = *IpAddress::parse(address);
    sockaddr_storage name;
    socklen_t size = at.to_sockaddr(name);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(bind(fd, reinterpret_cast<sockaddr*>(&name), size) == 0);
    REQUIRE(listen(fd, 128) == 0);
    REQUIRE(getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) == 0);
    at = Endpoint::from_sockaddr(reinterpret_cast<sockaddr*>(&name));
  }
  ~Silent() { ::close(fd); }
  [[nodiscard]] int count() const {
    int number = 0;
    for (int one; (one = accept4(fd, nullptr, nullptr, SOCK_NONBLOCK)) >= 0; ++number) ::close(one);
    return number;
  }
  [[nodiscard]] std::string address() const { return fmt::format("/ip4/{}/tcp/{}", at.address.to_string(), at.port); }

  int fd = -1;
  Endpoint at;
};

Silent& unblocked(Silent& silent) {
  int on = 1;
  ioctl(silent.fd, FIONBIO, &on);
  return silent;
}

}  // namespace

TEST_CASE("dialer: TCP, WS and WSS, with Noise and TLS") {
  for (const Transport transport : {Transport::tcp, Transport::ws, Transport::wss}) {
    for (const char* const security : {"/noise", "/tls/1.0.0"}) {
      Settings settings = quick();
      std::string agent;
      Loop* stops = nullptr;
      settings.on_identified = [&](const libp2p::PeerId& peer, const std::string& name) {
        CHECK(peer == peer_of(2));
        agent = name;
        stops->stop();
      };
      Bench bench(settings);
      stops = &bench.loop;
      Node node(bench.loop, key_of(2),
                {transport, {{security}, true}, async::testing::loopback(), "test/\x01\xFF" + std::string(100, 'a')});
      INFO(node.address() << " " << security);
      const auto outcome = bench.reach(2, {node.address()});
      INFO((outcome ? "" : outcome.error().text()));
      CHECK(text_of(outcome) ==
            fmt::format("{} {}", to_string(transport), security == std::string("/noise") ? "noise" : "tls"));
      if (outcome) CHECK(outcome->address.to_string() == node.address());
      if (agent.empty()) bench.loop.run();
      CHECK(agent == "test/??" + std::string(57, 'a'));
      CHECK(bench.dialer->dialling() == 0);
    }
  }
}

TEST_CASE("dialer: no more identifications in a second than are wanted; the others hang up behind the proof") {
  Settings settings = quick();
  settings.identifications_a_second = 0;
  bool identified = false;
  settings.on_identified = [&](const libp2p::PeerId&, const std::string&) { identified = true; };
  Bench bench(settings);
  Node node(bench.loop, key_of(2), {});
  for (int i = 0; i < 3; ++i) CHECK(text_of(bench.reach(2, {node.address()})) == "tcp noise");
  CHECK(node.accepted() == 3);
  CHECK(bench.dialer->identifying() == 0);
  run(bench.loop, async::wait_for(bench.cancel, 50ms));
  CHECK(node.proven() == 0);  // the handshake's last message was never said
  CHECK_FALSE(identified);
}

namespace {

// How the other side ended the connection.
class NotingEnd : public Stream {
 public:
  NotingEnd(std::unique_ptr<Stream> below, std::string& end) : below_(std::move(below)), end_(end) {}
  Task<Result<std::size_t>> read(MutableBytes into) override {
    auto size = co_await below_->read(into);
    if (!size) end_ = size.error().text();
    if (size && *size == 0) end_ = "in order";
    co_return size;
  }
  void close() override { below_->close(); }

 private:
  Task<Result<>> write_parts(Parts parts) override { return below_->write(parts[0], parts[1], parts[2], parts[3]); }
  std::unique_ptr<Stream> below_;
  std::string& end_;
};

// Asks whoever dials who he is, after being asked, as Go's nodes do at the same time.
Task<Result<>> ask_back(Upgrader& upgrader, std::unique_ptr<Stream> stream, std::optional<std::string>& told) {
  CO_TRY(Secured secured, co_await upgrader.secure(std::move(stream), Side::listener, std::nullopt));
  CO_TRY(const auto connection,
         co_await upgrader.multiplex(std::move(secured), Side::listener, libp2p::yamux::Limits()));
  Services services;
  services.identify.emplace().agent_version = "test/1";
  async::Tasks serving;
  serving.start(serve(connection->over().loop(), *connection, services));
  CO_TRY(const auto message, co_await ask_identity(*connection));
  const auto key = libp2p::PublicKey::from_protobuf(message.public_key.value_or(std::vector<std::uint8_t>{}));
  told = fmt::format("{} {}", message.agent_version.value_or(""), key && key->peer_id() == peer_of(1));
  co_await connection->over().wait();
  co_return {};
}
Task<> note(Task<Result<>> task) { static_cast<void>(co_await std::move(task)); }

}  // namespace

TEST_CASE("dialer: a peer that asks who we are is told, and sees the connection end in order") {
  for (const char* const security : {"/noise", "/tls/1.0.0"}) {
    Settings settings = quick();
    settings.agent = "swage/1";
    settings.on_identified = [](const libp2p::PeerId&, const std::string&) {};
    Bench bench(settings);
    Upgrader upgrader(bench.loop, key_of(2), {{security}, true});
    std::optional<std::string> told;
    std::string end;
    async::Tasks tasks;
    const auto listener = async::TcpListener::listen(
        bench.loop, async::testing::loopback(), [&](std::unique_ptr<async::TcpStream> stream) {
          auto noting = std::make_unique<NotingEnd>(std::move(stream), end);
          tasks.start(note(ask_back(upgrader, std::move(noting), told)));
        });
    REQUIRE(listener);
    CHECK(bench.reach(2, {fmt::format("/ip4/127.0.0.1/tcp/{}", (*listener)->local().port)}));
    for (int i = 0; i < 500 && tasks.size() > 0; ++i) run(bench.loop, async::wait_for(bench.cancel, 10ms));
    CHECK(told == "swage/1 true");
    // TLS has an end of its own (close_notify), after which nobody looks for TCP's.
    CHECK(end == (security == std::string_view("/noise") ? "in order" : ""));
  }
}

TEST_CASE("dialer: one connection, also to a node that has TLS alone, or does not speak multistream") {
  Bench bench;
  Node tls(bench.loop, key_of(2), {.offer = {{"/tls/1.0.0"}, true}});
  CHECK(text_of(bench.reach(2, {tls.address()})) == "tcp tls");
  CHECK(tls.accepted() == 1);
  Node ws(bench.loop, key_of(2), {.transport = Transport::ws});
  CHECK(text_of(bench.reach(2, {fmt::format("/ip4/127.0.0.1/tcp/{}", ws.at().port)})) == "unreachable");
  CHECK(ws.accepted() <= 2);
}

TEST_CASE("dialer: somebody else, nobody, nothing to dial") {
  Bench bench;
  Node other(bench.loop, key_of(3), {});
  Node ipv6(bench.loop, key_of(2), {.at = {*IpAddress::parse("::1"), 0, 0}});
  std::uint16_t closed = 0;
  {
    const Silent gone;
    closed = gone.at.port;
  }
  CHECK(text_of(bench.reach(2, {other.address()})) == "unreachable");
  CHECK(other.accepted() == 1);
  const std::string nobody = fmt::format("/ip4/127.0.0.1/tcp/{}", closed);
  const auto refused = bench.reach(2, {nobody, other.address(), "/ip4/10.0.0.1/tcp/1"});
  CHECK(text_of(refused) == "unreachable");
  CHECK(refused.error().text() ==
        fmt::format("2 of 3 addresses dialled: {}: connect: connection refused; {}: noise: the peer is {}; "
                    "/ip4/10.0.0.1/tcp/1: not dialled: not public",
                    nobody, other.address(), peer_of(3).to_base58()));
  CHECK(text_of(bench.reach(2, {})) == "nothing_dialable");
  CHECK(text_of(bench.reach(2, {"/ip4/127.0.0.1/udp/1/quic-v1", "garbage", ""})) == "other_transports");
  CHECK(text_of(bench.reach(2, {"garbage", ""})) == "nothing_dialable");
  CHECK(text_of(bench.reach(2, {ipv6.address()})) == "tcp noise");
  CHECK(text_of(bench.reach(2, {other.address(), other.address() + "/ws", ipv6.address()})) == "tcp noise");
}

TEST_CASE("dialer: what is forbidden is not connected to") {
  Settings settings = quick();
  settings.policy = AddressPolicy();
  Bench bench(settings);
  Node v4(bench.loop, key_of(2), {});
  Node v6(bench.loop, key_of(2), {.at = {*IpAddress::parse("::1"), 0, 0}});
  const std::uint16_t port = v4.at().port;
  for (const char* const host :
       {"/ip4/127.0.0.1", "/ip6/::ffff:127.0.0.1", "/ip4/0.0.0.0", "/ip6/::", "/ip4/127.1.2.3", "/ip6/::ffff:0.0.0.0",
        "/ip6/64:ff9b::7f00:1", "/ip6/::7f00:1", "/ip4/255.255.255.255", "/ip6/fe80::1"}) {
    for (const char* const end : {"", "/ws", "/wss"}) {
      const std::string address = fmt::format("{}/tcp/{}{}", host, port, end);
      INFO(address);
      CHECK(text_of(bench.reach(2, {address})) == "nothing_dialable");
    }
  }
  CHECK(text_of(bench.reach(2, {v6.address()})) == "nothing_dialable");
  CHECK(v4.accepted() == 0);
  CHECK(v6.accepted() == 0);

  settings = quick();
  settings.policy = AddressPolicy(prefixes({"127.0.0.0/8"}), prefixes({"127.0.0.1"}));
  Bench denied(settings);
  Node node(denied.loop, key_of(2), {});
  CHECK(text_of(denied.reach(2, {node.address()})) == "nothing_dialable");
  CHECK(node.accepted() == 0);
}

TEST_CASE("dialer: names are resolved once, judged, and pinned") {
  Settings settings = quick();
  Loop loop;
  int questions = 0;
  DnsServer dns(loop, [&](const DnsQuestion& question) -> DnsServer::Answer {
    ++questions;
    if (question.name == "good.test") return {{*IpAddress::parse("127.0.0.1"), *IpAddress::parse("::1")}};
    // A public address first, and another time ours: rebinding. The public one is TEST-NET-2's, allowed here and dead.
    if (question.name == "rebind.test") return {{*IpAddress::parse(questions > 1 ? "127.0.0.1" : "198.51.100.1")}};
    if (question.name == "inside.test") return {{*IpAddress::parse("127.0.0.1"), *IpAddress::parse("10.0.0.1")}};
    if (question.name == "silent.test") return {{}, 0, true};
    return {{}, 3};
  });
  settings.resolver.servers = {dns.at()};
  async::Event cancel(loop);
  {
    Dialer dialer(loop, key_of(1), settings);
    Node node(loop, key_of(2), {}), ws(loop, key_of(2), {.transport = Transport::wss});
    const auto reach = [&](std::vector<std::string> addresses) {
      return text_of(run(loop, dialer.reach(peer_of(2), std::move(addresses), kClient, cancel)));
    };
    CHECK(reach({fmt::format("/dns4/good.test/tcp/{}", node.at().port)}) == "tcp noise");
    CHECK(reach({fmt::format("/dns/GOOD.test/tcp/{}", node.at().port)}) == "tcp noise");
    CHECK(reach({fmt::format("/dns6/good.test/tcp/{}", node.at().port)}) == "unreachable");
    CHECK(reach({fmt::format("/dns4/good.test/tcp/{}/wss", ws.at().port)}) == "wss noise");
    CHECK(reach({fmt::format("/dns4/good.test/tcp/{}/tls/sni/other.test/ws", ws.at().port)}) == "wss noise");
    CHECK(reach({fmt::format("/dns4/none.test/tcp/{}", node.at().port)}) == "nothing_dialable");
    // A name that does not answer holds nobody up.
    CHECK(reach({fmt::format("/dns4/silent.test/tcp/{}", node.at().port), node.address()}) == "tcp noise");
  }
  settings.policy = AddressPolicy(prefixes({"198.51.100.0/24"}), {});
  settings.connect_timeout = 100ms;
  settings.resolver.timeout = 200ms;
  Dialer strict(loop, key_of(1), settings);
  Node node(loop, key_of(2), {});
  const auto reach = [&](const std::string& address) {
    return text_of(run(loop, strict.reach(peer_of(2), {address}, kClient, cancel)));
  };
  for (const char* const end : {"", "/ws", "/wss"}) {
    questions = 0;
    CHECK(reach(fmt::format("/dns4/rebind.test/tcp/{}{}", node.at().port, end)) == "unreachable");
    CHECK(questions == 1);
    CHECK(reach(fmt::format("/dns4/rebind.test/tcp/{}{}", node.at().port, end)) == "nothing_dialable");
    CHECK(reach(fmt::format("/dns4/inside.test/tcp/{}{}", node.at().port, end)) == "nothing_dialable");
    CHECK(reach(fmt::format("/dns4/localhost/tcp/{}{}", node.at().port, end)) == "nothing_dialable");
  }
  CHECK(node.accepted() == 0);
  node.close();
}

TEST_CASE("dialer: a black hole for each dial does not keep the next address waiting for ever") {
  Settings settings = quick();
  settings.handshake_timeout = 200ms;
  Bench bench(settings);
  std::vector<std::unique_ptr<Silent>> holes;
  std::vector<std::string> addresses;
  for (int i = 1; i < 8; ++i) {
    holes.push_back(std::make_unique<Silent>(fmt::format("127.0.1.{}", i)));
    addresses.push_back(holes.back()->address());
  }
  Node node(bench.loop, key_of(2), {});
  addresses.push_back(node.address());
  CHECK(text_of(bench.reach(2, addresses)) == "tcp noise");
}

TEST_CASE("dialer: the deadline, cancelling, and destroying") {
  const std::size_t before = [] {
    const Bench bench;
    return descriptors();
  }();
  {
    Settings settings = quick();
    settings.timeout = 200ms;
    settings.handshake_timeout = 10s;
    Bench bench(settings);
    Silent hole;
    const std::int64_t begin = bench.loop.now();
    CHECK(text_of(bench.reach(2, {hole.address()})) == "timed_out");
    CHECK(bench.loop.now() - begin < 2'000'000'000);
    CHECK(unblocked(hole).count() == 1);

    async::Timer timer(bench.loop, [&] { bench.cancel.set(); });
    timer.start(20ms);
    CHECK(text_of(bench.reach(2, {hole.address()})) == "cancelled");
    CHECK(text_of(bench.reach(2, {hole.address()})) == "cancelled");
    CHECK(unblocked(hole).count() == 1);
    CHECK(bench.dialer->dialling() == 0);
    bench.cancel.reset();

    {
      async::Tasks tasks;  // destroyed while it dials
      std::optional<Outcome> none;
      Together never(bench.loop);
      struct Drop {
        static Task<> run(Dialer& dialer, async::Event& cancel, std::string address) {
          std::vector<std::string> addresses;
          addresses.push_back(std::move(address));
          static_cast<void>(co_await dialer.reach(peer_of(2), std::move(addresses), kClient, cancel));
        }
      };
      tasks.start(Drop::run(*bench.dialer, bench.cancel, hole.address()));
      CHECK(bench.dialer->dialling() == 1);
    }
    CHECK(bench.dialer->dialling() == 0);

    std::optional<Outcome> outcome;  // the Dialer goes first
    Together together(bench.loop);
    std::vector<std::string> addresses = {hole.address()};
    together.add(bench.dialer->reach(peer_of(2), addresses, kClient, bench.cancel), outcome);
    bench.dialer.reset();
    together.run();
    REQUIRE(outcome.has_value());
    CHECK(text_of(*outcome) == "cancelled");
  }
  {
    Bench bench;  // and the Loop what waits
    Silent hole;
    static std::optional<Outcome> outcome;
    static std::optional<Together> together;
    together.emplace(bench.loop);
    together->add(bench.dialer->reach(peer_of(2), {hole.address()}, kClient, bench.cancel), outcome);
    async::Timer stop(bench.loop, [&] { bench.loop.stop(); });
    stop.start(50ms);
    bench.loop.run();
  }
  const Bench bench;
  CHECK(descriptors() == before);
}

TEST_CASE("dialer: 200 at once with 16 dials") {
  Settings settings = quick();
  settings.total = 16;
  settings.timeout = settings.target_timeout = 60s;
  settings.handshake_timeout = 30s;
  settings.identifications = 10;
  std::size_t identified = 0, most = 0;
  settings.on_identified = [&](const libp2p::PeerId&, const std::string&) { ++identified; };
  Bench bench(settings);
  Node node(bench.loop, key_of(2), {}), other(bench.loop, key_of(3), {});
  std::vector<std::optional<Outcome>> outcomes(200);
  Together together(bench.loop);
  for (auto& outcome : outcomes) {
    std::vector<std::string> addresses = {other.address(), node.address(), node.address() + "/ws"};
    together.add(bench.dialer->reach(peer_of(2), std::move(addresses), kClient, bench.cancel), outcome);
    most = std::max(most, bench.dialer->dialling());
  }
  together.run();
  for (const auto& outcome : outcomes) {
    REQUIRE(outcome.has_value());
    CHECK(text_of(*outcome) == "tcp noise");
  }
  CHECK(most == 16);
  CHECK(bench.dialer->dialling() == 0);
  CHECK(bench.dialer->identifying() <= 10);
  for (int i = 0; i < 200 && identified == 0; ++i) run(bench.loop, async::wait_for(bench.cancel, 20ms));
  CHECK(identified > 0);
}

TEST_CASE("dialer: dials take a quarter of the descriptors that the process may have, at most") {
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit low = before;
  low.rlim_cur = 64;
  REQUIRE(setrlimit(RLIMIT_NOFILE, &low) == 0);
  Settings settings = quick();
  Bench bench(settings);
  Silent hole;
  std::array<std::optional<Outcome>, 4> outcomes;
  Together together(bench.loop);
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    std::vector<std::string> addresses;
    for (int host = 1; host <= 8; ++host) {
      addresses.push_back(fmt::format("/ip4/127.0.{}.{}/tcp/{}", i + 1, host, hole.at.port));
    }
    together.add(bench.dialer->reach(peer_of(2), addresses, kClient, bench.cancel), outcomes[i]);
  }
  CHECK(bench.dialer->dialling() == 16);
  bench.cancel.set();
  together.run();
  CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
}

TEST_CASE("dialer: busy when the others keep all dials") {
  Settings settings = quick();
  settings.total = 1;
  settings.timeout = 300ms;
  settings.handshake_timeout = 10s;
  Bench bench(settings);
  Silent hole;
  // Both deadlines pass at the same time; on a busy machine the second may be lent the dial for a moment in between.
  std::string said;
  for (int tries = 0; tries < 20 && said != "busy"; ++tries) {
    std::optional<Outcome> first, second;
    Together together(bench.loop);
    std::vector<std::string> one = {hole.address()}, two = {hole.address()};
    together.add(bench.dialer->reach(peer_of(2), one, kClient, bench.cancel), first);
    together.add(bench.dialer->reach(peer_of(2), two, kClient, bench.cancel), second);
    together.run();
    CHECK(text_of(*first) == "timed_out");
    said = text_of(*second);
  }
  CHECK(said == "busy");
}

}  // namespace swage::dial::testing
