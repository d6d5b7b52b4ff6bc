#include "core/upstream/nameserver.h"

#include <atomic>
#include <set>

#include "core/async/tcp.h"
#include "core/async/tls_testing.h"
#include "tests/support/upstream.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::upstream {
namespace {

using namespace std::chrono_literals;
using tests::answer_to;
using tests::Packet;
using tests::UpstreamServer;
using Says = UpstreamServer::Reply;

Question question(std::string_view name) { return {.name = *dns::Name::parse(name)}; }

// The last byte of the address in each answer, "-" for none; questions one after the other.
struct Asker {
  explicit Asker(const UpstreamServer& asked, Way way = {}) : server(loop, with(way, asked), random) {}

  static Way with(Way way, const UpstreamServer& asked) {
    way.to = asked.endpoint();
    return way;
  }
  static async::Task<> ask(async::Loop& on, Nameserver& nameserver, std::string& said, std::chrono::milliseconds time) {
    const Question asked = question("www.example.org.");
    const Result<std::vector<std::uint8_t>> answer = co_await nameserver.ask(asked, time);
    said += answer ? std::to_string(answer->back()) : "-";
    on.stop();
  }
  std::string ask(std::chrono::milliseconds time = 5s) {
    std::string said;
    loop.spawn(ask(loop, server, said, time));
    while (said.empty()) loop.run();
    return said;
  }

  async::Loop loop;
  crypto::SystemRandom random;
  Nameserver server;
};

Packet changed(Packet packet, std::size_t at, std::uint8_t bits) {
  packet[at] ^= bits;
  return packet;
}

}  // namespace

TEST_CASE("nameserver: ids, ports and spellings are random, and the question is ours") {
  std::set<std::string> names, ids;
  std::atomic<bool> well = true;
  const UpstreamServer upstream([&](const Packet& query, bool) {
    ids.insert(std::string(query.begin(), query.begin() + 2));
    names.insert(std::string(query.begin() + 12, query.begin() + 29));
    well = well && query[2] == 1 && query[3] == 0 && query.size() == 12 + 17 + 4 + 11 + 12;
    return Says{{answer_to(query, 7)}};
  });
  Asker asker(upstream);
  for (int i = 0; i < 20; ++i) CHECK(asker.ask() == "7");
  CHECK(ids.size() > 18);
  CHECK(names.size() > 15);
  CHECK(well);
  CHECK(upstream.asked_tcp() == 0);
}

TEST_CASE("nameserver: what answers another question is not heard") {
  const UpstreamServer upstream([](const Packet& query, bool) {
    const Packet good = answer_to(query, 7), forged = answer_to(query, 66);
    return Says{{changed(forged, 0, 1), changed(forged, 1, 0x80), changed(forged, 2, 0x80), changed(forged, 13, 0x01),
                 changed(forged, 29, 0x01), Packet(forged.begin(), forged.begin() + 11), Packet(), query, good}};
  });
  Asker asker(upstream);
  CHECK(asker.ask() == "7");
  CHECK(upstream.asked_tcp() == 0);
}

TEST_CASE("nameserver: what may be forged is asked again over TCP") {
  const bool by_flood = GENERATE(true, false);
  const UpstreamServer upstream([by_flood](const Packet& query, bool tcp) {
    if (tcp) return Says{{answer_to(query, 7)}};
    if (by_flood) return Says{std::vector<Packet>(100, changed(answer_to(query, 66), 0, 1))};
    Packet misspelled = answer_to(query, 66);
    for (std::size_t i = 13; i < 16; ++i) misspelled[i] ^= 0x20;
    return Says{{misspelled}};
  });
  Asker asker(upstream);
  CHECK(asker.ask() == "7");
  CHECK(upstream.asked_tcp() == 1);
}

TEST_CASE("nameserver: a truncated answer is asked for over TCP, and the connection is kept") {
  const UpstreamServer upstream([](const Packet& query, bool tcp) {
    return Says{{tcp ? answer_to(query, 7) : changed(answer_to(query, 66), 2, 0x02)}};
  });
  Asker asker(upstream);
  for (int i = 0; i < 5; ++i) CHECK(asker.ask() == "7");
  CHECK(upstream.asked_tcp() == 5);
  CHECK(upstream.connections() == 1);
  CHECK(asker.server.connections().hits() == 4);
}

TEST_CASE("nameserver: a connection that was closed meanwhile is made anew") {
  const UpstreamServer upstream([](const Packet& query, bool) { return Says{{answer_to(query, 7)}, true}; });
  Asker asker(upstream, {.tcp = true});
  for (int i = 0; i < 3; ++i) CHECK(asker.ask() == "7");
  CHECK(upstream.connections() == 3);
  CHECK(upstream.asked_udp() == 0);
}

TEST_CASE("nameserver: one that lies, closes or says nothing over TCP is an error, in time") {
  const int kind = GENERATE(0, 1, 2);
  const UpstreamServer upstream([kind](const Packet& query, bool) {
    if (kind == 0) return Says{{changed(answer_to(query, 66), 0, 1)}};
    return kind == 1 ? Says{{}, true} : Says{};
  });
  Asker asker(upstream, {.tcp = true});
  CHECK(asker.ask(300ms) == "-");
}

TEST_CASE("nameserver: a lost datagram is sent again; one that is silent is an error") {
  std::atomic<int> asked = 0;
  const UpstreamServer upstream(
      [&](const Packet& query, bool) { return ++asked == 2 ? Says{{answer_to(query, 7)}} : Says{}; });
  Asker asker(upstream);
  CHECK(asker.ask() == "7");
  CHECK(asker.ask(200ms) == "-");
}

TEST_CASE("nameserver: one that knows cookies is asked with them, and answers without them are asked for over TCP") {
  std::atomic<int> asked = 0, with_cookie = 0;
  const UpstreamServer upstream([&](const Packet& query, bool tcp) {
    constexpr std::size_t kOption = 12 + 17 + 4 + 11;  // the place of the option
    const bool has_cookie = query.size() == kOption + 4 + 16 && query.back() == 's';
    if (has_cookie) ++with_cookie;
    const int number = ++asked;
    if (number == 3 && !tcp) return Says{{answer_to(query, 66)}};
    const bool is_bad = !has_cookie;
    Packet answer = is_bad ? answer_to(query, 0, 7) : answer_to(query, 7);
    answer[11] = 1;
    const Packet opt{0, 0, 41, 4, 0xD0, static_cast<std::uint8_t>(is_bad ? 1 : 0), 0, 0, 0, 0, 20, 0, 10, 0, 16};
    Packet record = opt;
    record.insert(record.end(), query.begin() + kOption + 4, query.begin() + kOption + 12);
    record.insert(record.end(), 8, 's');
    answer.insert(answer.end(), record.begin(), record.end());
    Packet forged = answer;
    forged[forged.size() - 10] ^= 1;  // of our cookie
    return tcp ? Says{{answer}} : Says{{forged, answer}};
  });
  Asker asker(upstream);
  const std::string s = std::to_string(int{'s'});
  CHECK(asker.ask() == s);
  CHECK(asked == 2);
  CHECK(asker.ask() == s);
  CHECK(asked == 4);
  CHECK(upstream.asked_tcp() == 1);
  CHECK(asker.ask() == s);
  CHECK(with_cookie == 4);
}

TEST_CASE("nameserver: one that does not know EDNS is asked without") {
  const UpstreamServer upstream(
      [](const Packet& query, bool) { return Says{{query[11] == 1 ? answer_to(query, 0, 1) : answer_to(query, 7)}}; });
  Asker asker(upstream);
  CHECK(asker.ask() == "7");
}

namespace {

// Answers one question after the other over TLS, until the client goes.
async::Task<> serve_tls(async::Loop& loop, std::unique_ptr<async::TcpStream> tcp, async::TlsContext context) {
  async::TlsStream stream(loop, std::move(tcp), context, async::TlsSide::server);
  const Result<> shaken = co_await stream.handshake();
  if (!shaken) co_return;
  while (true) {
    Packet packet(2 + 12 + 17 + 4 + 11 + 12);  // what is asked here
    std::size_t have = 0;
    while (have < packet.size()) {
      const MutableBytes rest = MutableBytes(packet).subspan(have);
      const Result<std::size_t> size = co_await stream.read(rest);
      if (!size || *size == 0) co_return;
      have += *size;
    }
    const Packet answer = tests::framed(answer_to(Packet(packet.begin() + 2, packet.end()), 7));
    const Bytes bytes(answer);
    const Result<> written = co_await stream.write(bytes);
    if (!written) co_return;
  }
}

}  // namespace

TEST_CASE("nameserver: over TLS, to a server that shows the right certificate") {
  const auto authority = async::testing::make_tls_identity(""), other = async::testing::make_tls_identity("");
  const auto identity = async::testing::make_tls_identity("DNS:dns.example,IP:127.0.0.1", &authority);
  const auto context = async::TlsContext::server(identity.certificate_pem, identity.key_pem, {"dot"});
  REQUIRE(context);
  async::Loop loop;
  crypto::SystemRandom random;
  unsigned connections = 0;
  const auto listener =
      async::TcpListener::listen(loop, tests::loopback(0), [&](std::unique_ptr<async::TcpStream> tcp) {
        ++connections;
        loop.spawn(serve_tls(loop, std::move(tcp), *context));
      });
  REQUIRE(listener);
  const auto ask = [&](std::string_view ca, std::string name) {
    Way way{.to = (*listener)->local(), .server_name = std::move(name)};
    way.tls = *async::TlsContext::client(ca, {"dot"});
    Nameserver server(loop, std::move(way), random);
    std::string said;
    for (int i = 0; i < 3; ++i) loop.spawn(Asker::ask(loop, server, said, 3s));
    while (said.size() < 3) loop.run();
    return said;
  };
  CHECK(ask(authority.certificate_pem, "dns.example") == "777");
  CHECK(ask(authority.certificate_pem, "127.0.0.1") == "777");
  CHECK(ask(authority.certificate_pem, "dns.example.net") == "---");
  CHECK(ask(other.certificate_pem, "dns.example") == "---");
  CHECK(connections > 0);
}

}  // namespace swage::upstream
