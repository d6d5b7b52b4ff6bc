#include "core/libp2p/multistream.h"

#include <random>

#include <fmt/format.h>

#include <catch2/catch.hpp>

using namespace swage;
using namespace swage::libp2p::multistream;
using Kind = SelectError::Kind;
using ByteVector = std::vector<std::uint8_t>;

namespace {

ByteVector bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

// Messages as they go over the wire.
ByteVector wire(const std::vector<std::string>& messages) {
  ByteVector out;
  for (const std::string& each : messages) append_message(out, each);
  return out;
}

// The messages in `bytes`, and behind them the error that ended them, if one did. `cut` splits the bytes.
std::vector<std::string> read_all(const ByteVector& bytes, std::size_t cut) {
  MessageReader reader;
  std::vector<std::string> messages;
  for (Bytes part : {Bytes(bytes).first(cut), Bytes(bytes).subspan(cut)}) {
    for (;;) {
      const auto message = reader.read(part);
      if (!message) {
        messages.push_back("error: " + message.error().text());
        return messages;
      }
      if (!*message) break;
      messages.push_back(**message);
    }
    CHECK(part.empty());
  }
  return messages;
}

// Feeds all of `bytes`, in two parts.
template <typename Side>
SelectResult<> feed(Side& side, const ByteVector& bytes, std::size_t cut, ByteVector* left = nullptr) {
  for (Bytes part : {Bytes(bytes).first(cut), Bytes(bytes).subspan(cut)}) {
    TRY(side.receive(part));
    if (!side.done()) CHECK(part.empty());
    if (left != nullptr) left->insert(left->end(), part.begin(), part.end());
  }
  return {};
}

}  // namespace

TEST_CASE("multistream: messages, split at every boundary") {
  const struct {
    ByteVector bytes;
    std::vector<std::string> messages;
  } cases[] = {
      {bytes_of("\x03na\n"), {"na"}},  // as the specification spells it: 036e610a
      {bytes_of("\x03ls\n"), {"ls"}},
      {bytes_of("\x13/multistream/1.0.0\n\x07/noise\n"), {"/multistream/1.0.0", "/noise"}},
      {bytes_of("\x01\n\x02\n\n"), {"", "\n"}},
      {wire({std::string(kMaxText, 'x'), "y"}), {std::string(kMaxText, 'x'), "y"}},
      {wire({std::string(127, 'x')}), {std::string(127, 'x')}},  // a size of two bytes
      {{0x00}, {"error: a message without its newline"}},
      {bytes_of("\x03nax"), {"error: a message without its newline"}},
      {bytes_of("\x03na\n\x02na"), {"na", "error: a message without its newline"}},
      {{0x83, 0x00, 'n', 'a', '\n'}, {"error: bad size of a message"}},
      {{0x82, 0x08}, {"error: a message is too long"}},        // 1026
      {{0xFF, 0xFF, 0x01}, {"error: a message is too long"}},  // 32767, known after two bytes
  };
  for (const auto& [bytes, messages] : cases) {
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) CHECK(read_all(bytes, cut) == messages);
  }
}

TEST_CASE("multistream: an initiator") {
  const struct {
    std::vector<std::string> answers;
    std::string result;  // what is selected, or the error
    int proposals;       // how many were sent
  } cases[] = {
      {{"/multistream/1.0.0", "/noise"}, "/noise", 1},
      {{"/multistream/1.0.0", "na", "/tls/1.0.0"}, "/tls/1.0.0", 2},
      {{"/multistream/1.0.0", "na", "na"}, "refused: /noise, /tls/1.0.0 is not available", 2},
      {{"/multistream/1.0.0", "/tls/1.0.0"}, "unexpected: /noise was proposed, the answer is /tls/1.0.0", 1},
      {{"/multistream/1.0.0", "na", "/noise"}, "unexpected: /tls/1.0.0 was proposed, the answer is /noise", 2},
      {{"/multistream/2.0.0"}, "unexpected: not multistream: /multistream/2.0.0", 1},
      {{"HTTP/1.1 400\r"}, "unexpected: not multistream: HTTP/1.1 400?", 1},
      {{"/multistream/1.0.0", "/multistream/1.0.0"},
       "unexpected: /noise was proposed, the answer is /multistream/1.0.0",
       1},
      {{"/multistream/1.0.0", ""}, "unexpected: /noise was proposed, the answer is ", 1},
  };
  for (const auto& [answers, result, proposals] : cases) {
    CAPTURE(result);
    const ByteVector bytes = wire(answers);
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
      Initiator initiator({"/noise", "/tls/1.0.0"});
      const auto fed = feed(initiator, bytes, cut);
      if (fed) {
        REQUIRE(initiator.done());
        CHECK(initiator.selected() == result);
      } else {
        const std::string kind = fed.error().kind() == Kind::refused ? "refused: " : "unexpected: ";
        CHECK(kind + fed.error().text() == result);
      }
      CHECK(initiator.take_output() == (proposals == 1 ? wire({"/multistream/1.0.0", "/noise"})
                                                       : wire({"/multistream/1.0.0", "/noise", "/tls/1.0.0"})));
      CHECK(initiator.take_output().empty());
    }
  }
}

TEST_CASE("multistream: a responder") {
  const struct {
    std::vector<std::string> requests, answers;
    std::string result;  // what is selected, or empty
  } cases[] = {
      {{"/multistream/1.0.0"}, {"/multistream/1.0.0"}, ""},
      {{"/multistream/1.0.0", "/b"}, {"/multistream/1.0.0", "/b"}, "/b"},
      {{"/multistream/1.0.0", "/c", "", "/a"}, {"/multistream/1.0.0", "na", "na", "/a"}, "/a"},
      {{"/multistream/1.0.0", "ls", "/b"}, {"/multistream/1.0.0", "\x03/a\n\x03/b\n", "/b"}, "/b"},
      {{"/multistream/1.0.0", "na"}, {"/multistream/1.0.0", "na"}, ""},
  };
  for (const auto& [requests, answers, result] : cases) {
    const ByteVector bytes = wire(requests);
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
      Responder responder({"/a", "/b"});
      REQUIRE(feed(responder, bytes, cut));
      CHECK(responder.done() == !result.empty());
      if (responder.done()) CHECK(responder.selected() == result);
      CHECK(responder.take_output() == wire(answers));
    }
  }
  Responder nothing({});
  REQUIRE(feed(nothing, wire({"/multistream/1.0.0", "ls"}), 0));
  CHECK(nothing.take_output() == bytes_of("\x13/multistream/1.0.0\n\x01\n"));
  Responder responder({"/a"});
  CHECK(feed(responder, wire({"/b"}), 0).error().kind() == Kind::unexpected);
}

TEST_CASE("multistream: a responder does not answer for ever") {
  Responder responder({"/a"});
  REQUIRE(feed(responder, wire({"/multistream/1.0.0"}), 0));
  for (int i = 0; i < kMaxProposals; ++i) REQUIRE(feed(responder, wire({i % 2 == 0 ? "ls" : "/b"}), 0));
  CHECK(feed(responder, wire({"/a"}), 0).error().kind() == Kind::too_many_proposals);
}

TEST_CASE("multistream: what follows the negotiation is left alone") {
  const ByteVector answer = wire({"/multistream/1.0.0", "/noise"});
  ByteVector bytes = answer;
  const ByteVector rest = {0x00, 0x20, 0xFF, 0x03, 'n', 'a', '\n'};
  bytes.insert(bytes.end(), rest.begin(), rest.end());
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    ByteVector left;
    Initiator initiator({"/noise"});
    REQUIRE(feed(initiator, bytes, cut, &left));
    CHECK(left == rest);
    left.clear();
    Responder responder({"/noise"});
    REQUIRE(feed(responder, bytes, cut, &left));
    CHECK(left == rest);
  }
}

TEST_CASE("multistream: two sides agree on the first common protocol, however the bytes are cut") {
  std::mt19937_64 random(3);
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::string> ours, theirs;
    for (std::size_t i = 0, n = 1 + random() % 6; i < n; ++i) ours.push_back(fmt::format("/p/{}", random() % 10));
    for (std::size_t i = 0, n = random() % 6; i < n; ++i) theirs.push_back(fmt::format("/p/{}", random() % 10));
    const auto common = std::ranges::find_if(
        ours, [&](const std::string& each) { return std::ranges::find(theirs, each) != theirs.end(); });
    Initiator initiator(ours);
    Responder responder(theirs);
    ByteVector to_responder, to_initiator;
    SelectResult<> result;
    for (int i = 0; i < 10000 && result && !initiator.done(); ++i) {
      const auto pass = [&](auto& from, auto& to, ByteVector& pipe) {
        const ByteVector output = from.take_output();
        pipe.insert(pipe.end(), output.begin(), output.end());
        Bytes part = Bytes(pipe).first(random() % (pipe.size() + 1));
        const std::size_t size = part.size();
        if (result) result = to.receive(part);
        pipe.erase(pipe.begin(), pipe.begin() + static_cast<std::ptrdiff_t>(size - part.size()));
      };
      pass(initiator, responder, to_responder);
      pass(responder, initiator, to_initiator);
    }
    REQUIRE(result.has_value() == (common != ours.end()));
    if (result) {
      CHECK(initiator.selected() == *common);
      CHECK(responder.selected() == *common);
    } else {
      CHECK(result.error().kind() == Kind::refused);
    }
  }
}
