// Every case of the tables in this folder, over UDP and TCP, as written and with the question in mixed case. See
// README.md.
#include <cctype>
#include <random>

#include "tests/support/dns_cases.h"
#include "tests/support/server.h"

#include <catch2/catch.hpp>

namespace swage::tests {
namespace {

constexpr Milliseconds kSilence{20};  // how long nothing must come, after the answer to a later query has come

Packet sentinel() { return encode({.name = ".", .type = "NS", .id = 0xFFFE}); }

// Nothing was sent for `packet`: the first packet to arrive is the answer to the query sent after it.
std::string silence_over_udp(const Endpoint& server, const Packet& packet) {
  const UdpClient client(server);
  client.send(packet);
  client.send(sentinel());
  const auto first = client.receive();
  if (!first) return "  the next query is not answered\n";
  if (load_u16(first->data()) != 0xFFFE || client.receive(kSilence)) return "  an answer\n";
  return {};
}

// Over TCP the server may close the connection instead of answering what comes next.
std::string silence_over_tcp(const Endpoint& server, const Packet& packet) {
  TcpClient client(server);
  if (!client.connected()) return "  no connection\n";
  static_cast<void>(client.send(packet));
  static_cast<void>(client.send(sentinel()));
  const auto first = client.receive();
  return first && load_u16(first->data()) != 0xFFFE ? "  an answer over TCP\n" : "";
}

std::string ask(const Endpoint& server, const Packet& packet, const Expectation& expectation, bool over_tcp) {
  if (expectation.silent) return over_tcp ? silence_over_tcp(server, packet) : silence_over_udp(server, packet);
  const auto answer = over_tcp ? ask_tcp(server, packet) : ask_udp(server, packet);
  if (!answer) return over_tcp ? "  no answer over TCP\n" : "  no answer over UDP\n";
  return faults(packet, expectation, *answer, over_tcp);
}

// "www.example.org." as resolvers that use 0x20 spell it. What follows a backslash stays.
std::string mixed_case(std::string name, std::mt19937& random) {
  for (std::size_t at = 0; at < name.size(); ++at) {
    if (name[at] == '\\') {
      ++at;
    } else if (random() % 2 == 0) {
      const auto letter = static_cast<unsigned char>(name[at]);
      name[at] = static_cast<char>(std::islower(letter) != 0 ? std::toupper(letter) : std::tolower(letter));
    }
  }
  return name;
}

std::string run(const Endpoint& server, const Case& each, std::mt19937& random) {
  std::vector<Packet> packets = {each.packet};
  if (each.question && !each.expectation.exact) {
    Question question = *each.question;
    question.name = mixed_case(question.name, random);
    packets.push_back(encode(question));
  }
  std::string text;
  for (const Packet& packet : packets) {
    if (each.udp) text += ask(server, packet, each.expectation, false);
    if (each.tcp) text += ask(server, packet, each.expectation, true);
  }
  return text;
}

void run_file(const Endpoint& server, const std::string& file) {
  std::mt19937 random(1);
  const std::vector<Case> cases = read_cases("tests/conformance/" + file);
  REQUIRE(!cases.empty());
  for (const Case& each : cases) {
    const std::string text = run(server, each, random);
    if (!text.empty()) FAIL_CHECK(each.title << "\n" << text);
  }
}

}  // namespace

TEST_CASE("conformance") {
  Server server(read_file("tests/conformance/Corefile"), {.workers = 2});
  for (const char* file : {"forge.yaml", "challenges.yaml", "labels.yaml", "zones.yaml", "wire.yaml", "server.yaml"}) {
    run_file(server.endpoint(), file);
  }
}

}  // namespace swage::tests
