// What only a TCP stream can show (RFC 7766): many queries in one segment, one query in many, and when the server
// closes. And the option of RFC 7828.
#include <algorithm>
#include <thread>

#include "tests/support/server.h"

#include <catch2/catch.hpp>

namespace swage::tests {
namespace {

constexpr std::uint16_t kKeepalive = 11;  // RFC 7828
constexpr std::string_view kCorefile = R"(
wire.test {
    bind 127.0.0.1
    file tests/conformance/zones/wire.test
}
)";

Question question(std::string_view name, std::uint16_t id = 1) {
  return {.name = std::string(name), .type = "A", .id = id};
}

Packet append(const Packet& front, const Packet& back) {
  Packet all = front;
  all.insert(all.end(), back.begin(), back.end());
  return all;
}

Decoded received(TcpClient& client) {
  const auto packet = client.receive();
  REQUIRE(packet);
  const Result<Decoded> decoded = decode(*packet);
  REQUIRE(decoded.has_value());
  return *decoded;
}

Question with_keepalive(std::string data) {
  Question asked = question("host.wire.test.");
  asked.opt = Opt{.options = {{kKeepalive, std::move(data)}}};
  return asked;
}

}  // namespace

TEST_CASE("many queries in one segment are all answered") {
  const Server server(kCorefile);
  TcpClient client(server.endpoint());
  constexpr std::uint16_t kQueries = 200;
  Packet all;
  for (std::uint16_t id = 0; id < kQueries; ++id) {
    all = append(all, framed(encode(question(id % 2 == 0 ? "host.wire.test." : "nothing.wire.test.", id))));
  }
  REQUIRE(client.send_raw(all));
  std::vector<std::uint16_t> ids;
  for (std::uint16_t count = 0; count < kQueries; ++count) {
    const Decoded answer = received(client);
    REQUIRE(answer.rcode_text() == (answer.id % 2 == 0 ? "NOERROR" : "NXDOMAIN"));
    ids.push_back(answer.id);
  }
  std::sort(ids.begin(), ids.end());  // RFC 7766 section 6.2.1.1: in any order
  for (std::uint16_t id = 0; id < kQueries; ++id) REQUIRE(ids[id] == id);
}

TEST_CASE("a query may come in single bytes") {
  const Server server(kCorefile);
  TcpClient client(server.endpoint());
  for (const std::uint8_t byte : framed(encode(question("host.wire.test.")))) {
    REQUIRE(client.send_raw({&byte, 1}));
    std::this_thread::sleep_for(Milliseconds(1));
  }
  REQUIRE(received(client).answer.size() == 2);
}

TEST_CASE("a query may begin in the segment of another and end in a later one") {
  const Server server(kCorefile);
  const Packet one = framed(encode(question("host.wire.test.", 1)));
  const Packet both = append(one, framed(encode(question("ns.wire.test.", 2))));
  for (std::size_t split = 1; split < both.size(); ++split) {
    TcpClient client(server.endpoint());
    REQUIRE(client.send_raw(Bytes(both).first(split)));
    if (split >= one.size()) REQUIRE(received(client).id == 1);
    REQUIRE(client.send_raw(Bytes(both).subspan(split)));
    if (split < one.size()) REQUIRE(received(client).id == 1);
    REQUIRE(received(client).id == 2);
  }
}

TEST_CASE("answers come after the client has said that it has no more queries") {
  const Server server(kCorefile);
  TcpClient client(server.endpoint());
  REQUIRE(client.send_raw(
      append(framed(encode(question("host.wire.test.", 1))), framed(encode(question("big.wire.test.", 2))))));
  client.finish();
  REQUIRE(received(client).id == 1);
  REQUIRE(received(client).id == 2);
  REQUIRE(client.closed_within(kPatience));
}

TEST_CASE("a connection serves one query after the other") {
  const Server server(kCorefile);
  TcpClient client(server.endpoint());
  for (std::uint16_t id = 0; id < 50; ++id) {
    REQUIRE(client.send(encode(question("host.wire.test.", id))));
    REQUIRE(received(client).id == id);
  }
}

TEST_CASE("a client that reads late gets all its large answers") {
  const Server server(kCorefile);
  const Packet query = encode({.name = "big.wire.test.", .type = "TXT"});
  TcpClient client(server.endpoint());
  constexpr int kQueries = 2000;  // 7 MB of answers: more than the sockets hold
  std::thread sender([&] {
    for (int count = 0; count < kQueries; ++count) static_cast<void>(client.send(query));
  });
  std::this_thread::sleep_for(Milliseconds(300));
  int answers = 0;
  while (answers < kQueries && client.receive()) ++answers;
  sender.join();
  REQUIRE(answers == kQueries);
}

TEST_CASE("a connection may be closed in the middle of a query") {
  const Server server(kCorefile);
  const Packet packet = framed(encode(question("host.wire.test.")));
  for (std::size_t size = 0; size < packet.size(); ++size) {
    const TcpClient client(server.endpoint());
    REQUIRE(client.send_raw(Bytes(packet).first(size)));
  }
  REQUIRE(server.ask_tcp(question("host.wire.test.")).answer.size() == 2);
}

TEST_CASE("no answer comes to an empty message") {
  const Server server(kCorefile);
  TcpClient client(server.endpoint());
  REQUIRE(client.send({}));
  static_cast<void>(client.send(encode(question("host.wire.test.", 7))));
  const auto first = client.receive();
  REQUIRE((!first || load_u16(first->data()) == 7));
}

TEST_CASE("keepalive: the server says how long a connection may be idle (RFC 7828)") {
  const Server server(kCorefile);
  const Decoded answer = server.ask_tcp(with_keepalive(""));
  REQUIRE(answer.opt);
  const Option* option = answer.opt->option(kKeepalive);
  REQUIRE(option != nullptr);
  REQUIRE(option->data.size() == 2);
  REQUIRE(load_u16(as_bytes(option->data).data()) > 0);  // units of 100 ms
  REQUIRE(answer.answer.size() == 2);
}

TEST_CASE("keepalive: only in answers to clients that ask for it") {
  const Server server(kCorefile);
  Question asked = question("host.wire.test.");
  REQUIRE(!server.ask_tcp(asked).opt);
  asked.opt = Opt{};
  REQUIRE(server.ask_tcp(asked).opt->options.empty());
}

TEST_CASE("keepalive: a query that says a time is malformed") {
  const Server server(kCorefile);
  for (const char* const data : {"\x01", "\x01\x02", "\x01\x02\x03"}) {
    REQUIRE(server.ask_tcp(with_keepalive(data)).rcode_text() == "FORMERR");
  }
}

TEST_CASE("keepalive: ignored over UDP") {
  const Server server(kCorefile);
  for (const char* const data : {"", "\x01", "\x01\x02"}) {
    const Decoded answer = server.ask(with_keepalive(data));
    REQUIRE(answer.rcode_text() == "NOERROR");
    REQUIRE(answer.opt->options.empty());
  }
}

}  // namespace swage::tests
