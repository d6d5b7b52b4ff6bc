// WebSocket's frames and its upgrade: bytes as they are on the wire, in all sizes of pieces; what hostile sides send.
#include "core/websocket/codec.h"

#include <algorithm>
#include <string>

#include "core/websocket/upgrade.h"

#undef CHECK
#include <catch2/catch.hpp>

namespace swage::websocket {

namespace {

using Buffer = std::vector<std::uint8_t>;

void same_mask(MutableBytes bytes) {
  const Buffer mask = {0x37, 0xfa, 0x21, 0x3d};  // as in the examples of RFC 6455 section 5.7
  std::copy_n(mask.begin(), std::min(mask.size(), bytes.size()), bytes.begin());
}

// "81 05 48" as bytes; "x*N" is N times x.
Buffer bytes(std::string_view hex) {
  Buffer out;
  for (std::size_t i = 0; i < hex.size();) {
    const std::string word(hex.substr(i, hex.find(' ', i) - i));
    i += word.size() + 1;
    const std::size_t star = word.find('*');
    const std::size_t times = star == std::string::npos ? 1 : std::stoul(word.substr(star + 1));
    out.insert(out.end(), times, static_cast<std::uint8_t>(std::stoul(word.substr(0, star), nullptr, 16)));
  }
  return out;
}

struct Received {
  Buffer payload;
  Buffer output;
  std::string error;
  bool ended = false;
};

// What a side makes of `wire` in pieces of `step` bytes, with room for `room` bytes of payload.
Received receive(Side side, const Buffer& wire, std::size_t step, std::size_t room) {
  Codec codec(side, same_mask);
  Received received;
  Buffer into(room);
  for (Bytes rest = wire; !rest.empty() && received.error.empty();) {
    Bytes piece = rest.first(std::min(step, rest.size()));
    rest = rest.subspan(piece.size());
    for (;;) {
      const auto size = codec.receive(piece, into);
      if (!size) {
        received.error = size.error().text();
        REQUIRE(codec.receive(piece, into).error().text() == received.error);
        break;
      }
      if (*size == 0) break;
      received.payload.insert(received.payload.end(), into.begin(), into.begin() + static_cast<std::ptrdiff_t>(*size));
    }
    REQUIRE((piece.empty() || codec.ended() || !received.error.empty()));
  }
  received.output = codec.output();
  received.ended = codec.ended();
  return received;
}

struct Case {
  const char* what;
  Side side;
  std::string wire, payload, output;
  std::string error{};
  bool ended = false;
};

constexpr Side kClient = Side::client, kServer = Side::server;

const std::vector<Case>& cases() {
  static const std::string protocol_error = "88 02 03 ea", masked_protocol_error = "88 82 37 fa 21 3d 34 10";
  static const std::vector<Case> list = {
      {"a message", kClient, "82 05 48 65 6c 6c 6f", "48 65 6c 6c 6f", ""},
      {"a masked message", kServer, "82 85 37 fa 21 3d 7f 9f 4d 51 58", "48 65 6c 6c 6f", ""},
      {"two fragments", kClient, "02 03 48 65 6c 80 02 6c 6f", "48 65 6c 6c 6f", ""},
      {"fragments with a ping between", kClient, "02 01 48 89 01 41 00 00 00 01 49 80 00", "48 49",
       "8a 81 37 fa 21 3d 76"},
      {"two messages", kClient, "82 01 48 82 01 49", "48 49", ""},
      {"empty messages", kClient, "82 00 82 00 02 00 80 00 82 01 48", "48", ""},
      {"125 bytes", kClient, "82 7d 55*125", "55*125", ""},
      {"126 bytes", kClient, "82 7e 00 7e 55*126", "55*126", ""},
      {"65535 bytes", kClient, "82 7e ff ff 55*65535", "55*65535", ""},
      {"65536 bytes", kClient, "82 7f 00*5 01 00 00 55*65536", "55*65536", ""},
      {"the begin of 2^63 - 1 bytes", kClient, "82 7f 7f ff*7 55*5000", "55*5000", ""},
      {"ping", kServer, "89 80 01 02 03 04", "", "8a 00"},
      {"the largest ping", kClient, "89 7d 37*125", "", "8a fd 37 fa 21 3d"},
      {"pong that nobody asked for", kClient, "8a 03 01 02 03 82 01 48", "48", ""},
      {"close", kServer, "88 80 01 02 03 04", "", "88 00", "", true},
      {"close with a code", kClient, "82 01 48 88 02 03 e8", "48", "88 82 37 fa 21 3d 34 12", "", true},
      {"close with a code and a reason", kClient, "88 05 0f a0 62 79 65", "", "88 82 37 fa 21 3d 38 5a", "", true},
      {"anything behind a close", kClient, "88 02 03 e8 ff*100", "", "88 82 37 fa 21 3d 34 12", "", true},

      {"not masked", kServer, "82 01 48", "", protocol_error, "a frame that is not masked"},
      {"a control frame that is not masked", kServer, "89 00", "", protocol_error, "a frame that is not masked"},
      {"masked", kClient, "82 81 37 fa 21 3d 7f", "", masked_protocol_error, "a masked frame"},
      {"text", kClient, "81 01 48", "", "88 82 37 fa 21 3d 34 11", "a text message"},
      {"text behind binary", kClient, "82 01 48 81 01 48", "48", "88 82 37 fa 21 3d 34 11", "a text message"},
      {"reserved bits", kClient, "c2 01 48", "", masked_protocol_error, "a frame with reserved bits"},
      {"opcode 3", kClient, "83 01 48", "", masked_protocol_error, "a frame of an unknown kind"},
      {"opcode 7", kClient, "87 01 48", "", masked_protocol_error, "a frame of an unknown kind"},
      {"opcode 11", kClient, "8b 01 48", "", masked_protocol_error, "a frame of an unknown kind"},
      {"opcode 15", kClient, "8f 00", "", masked_protocol_error, "a frame of an unknown kind"},
      {"a continuation of nothing", kClient, "80 01 48", "", masked_protocol_error, "a continuation of nothing"},
      {"a continuation behind the end", kClient, "82 01 48 80 01 48", "48", masked_protocol_error,
       "a continuation of nothing"},
      {"a message within another", kClient, "02 01 48 82 01 48", "48", masked_protocol_error,
       "a message within another"},
      {"a control frame of 126 bytes", kClient, "89 7e 00 7e 00*126", "", masked_protocol_error, "a malformed frame"},
      {"a control frame in fragments", kClient, "09 01 48", "", masked_protocol_error, "a malformed frame"},
      {"a close frame in fragments", kClient, "08 00", "", masked_protocol_error, "a malformed frame"},
      {"2^63 bytes", kClient, "82 7f 80 00*7", "", masked_protocol_error, "a malformed frame"},
      {"a length that is too long, 16 bits", kClient, "82 7e 00 7d 00*125", "", masked_protocol_error,
       "a malformed frame"},
      {"a length that is too long, 64 bits", kClient, "82 7f 00*6 ff ff 00", "", masked_protocol_error,
       "a malformed frame"},
      {"close with half a code", kClient, "88 01 03", "", masked_protocol_error, "a malformed close frame"},
      {"close with code 999", kClient, "88 02 03 e7", "", masked_protocol_error, "a malformed close frame"},
      {"close with code 1005", kClient, "88 02 03 ed", "", masked_protocol_error, "a malformed close frame"},
      {"close with code 1015", kClient, "88 02 03 f7", "", masked_protocol_error, "a malformed close frame"},
      {"close with code 5000", kClient, "88 02 13 88", "", masked_protocol_error, "a malformed close frame"},
  };
  return list;
}

}  // namespace

TEST_CASE("websocket codec: frames, in all sizes of pieces") {
  for (const Case& c : cases()) {
    INFO(c.what);
    const Buffer wire = bytes(c.wire), payload = bytes(c.payload);
    Buffer output = bytes(c.output);
    if (std::string_view(c.what) == "the largest ping") {
      for (std::size_t i = 0; i < 125; ++i) {
        output.push_back(static_cast<std::uint8_t>(0x37 ^ bytes("37 fa 21 3d")[i % 4]));
      }
    }
    for (const std::size_t step : {1U, 2U, 3U, 5U, 7U, 4096U, 1U << 20U}) {
      for (const std::size_t room : {1U, 10U, 1U << 20U}) {
        if (wire.size() > 1000 && step * room < 50) continue;
        const Received received = receive(c.side, wire, step, room);
        REQUIRE(received.payload == payload);
        REQUIRE(received.output == output);
        REQUIRE(received.error == (c.error.empty() ? "" : "WebSocket: " + c.error));
        REQUIRE(received.ended == c.ended);
      }
    }
  }
}

TEST_CASE("websocket codec: cut anywhere, what is there is handed on") {
  const Buffer wire = bytes("02 7e 00 c8 55*200 89 02 41 42 80 05 55*5 82 01 55");
  for (std::size_t size = 0; size <= wire.size(); ++size) {
    const Received received =
        receive(kClient, Buffer(wire.begin(), wire.begin() + static_cast<std::ptrdiff_t>(size)), 1000, 1000);
    REQUIRE(received.error == "");
    REQUIRE(received.payload.size() == std::min<std::size_t>(size < 4 ? 0 : size - 4, 200) +
                                           (size < 210 ? 0 : std::min<std::size_t>(size - 210, 5)) +
                                           (size == wire.size() ? 1 : 0));
  }
}

TEST_CASE("websocket codec: what one side sends, the other receives") {
  for (const Side side : {kClient, kServer}) {
    for (const std::size_t size : {1U, 125U, 126U, 65'535U, 65'536U, 100'000U}) {
      Codec sender(side, same_mask);
      Buffer payload(size);
      for (std::size_t i = 0; i < size; ++i) payload[i] = static_cast<std::uint8_t>(i * 7);
      sender.send(payload);
      sender.close(Close::normal);
      sender.close(Close::protocol_error);  // said already
      const Received received = receive(side == kClient ? kServer : kClient, sender.output(), 3000, 5000);
      CHECK(received.payload == payload);
      CHECK(received.ended);
    }
  }
}

TEST_CASE("websocket codec: after our close frame neither pings nor the other's close frame are answered") {
  Codec codec(kClient, same_mask);
  codec.close(Close::normal);
  codec.output().clear();
  const Buffer wire = bytes("89 00 82 01 48 88 02 03 e8");
  Bytes in = wire;
  Buffer into(10);
  CHECK(codec.receive(in, into).value() == 1);
  CHECK(codec.receive(in, into).value() == 0);
  CHECK(codec.ended());
  CHECK(codec.output().empty());
}

namespace {

constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";  // RFC 6455 section 1.3
constexpr std::string_view kAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

std::string request(std::string fields, std::string line = "GET /chat HTTP/1.1") {
  return line + "\r\nHost: server.example.com\r\n" + fields + "\r\n";
}

std::string answer(const std::string& head) {
  const UpgradeAnswer made = answer_upgrade_request(head);
  const std::string status = made.response.substr(0, made.response.find("\r\n"));
  return status + (made.refusal ? " (" + made.refusal->text() + ")" : "");
}

std::string check(const std::string& head) {
  const auto checked = check_upgrade_response(head, kKey);
  return checked ? "" : checked.error().text();
}

}  // namespace

TEST_CASE("websocket upgrade: keys") {
  CHECK(accept_key(kKey) == kAccept);
  CHECK(client_key(as_bytes("the sample nonce")) == kKey);
}

TEST_CASE("websocket upgrade: the request of a client") {
  CHECK(upgrade_request("example.com:8080", "/a?b", kKey).value() ==
        "GET /a?b HTTP/1.1\r\nHost: example.com:8080\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
  for (const std::string host : {"", "a b", "a\r\nX: y", "a\n", "\x7F", "\xC3\xA4"}) {
    CHECK_FALSE(upgrade_request(host, "/", kKey));
    CHECK_FALSE(upgrade_request("host", "/" + (host.empty() ? " " : host), kKey));
  }
  CHECK_FALSE(upgrade_request("host", "", kKey));
  CHECK_FALSE(upgrade_request("host", "path", kKey));
  CHECK_FALSE(upgrade_request(std::string(5000, 'a'), "/", kKey));
}

TEST_CASE("websocket upgrade: what a server answers") {
  const std::string upgrade = "Upgrade: websocket\r\n", connection = "Connection: Upgrade\r\n";
  const std::string key = "Sec-WebSocket-Key: " + std::string(kKey) + "\r\n", version = "Sec-WebSocket-Version: 13\r\n";
  const std::string all = upgrade + connection + key + version;
  const std::string fine = "HTTP/1.1 101 Switching Protocols";
  const auto bad = [](const std::string& why) {
    return "HTTP/1.1 400 Bad Request (WebSocket: not a valid request: " + why + ")";
  };
  const auto other = [](const std::string& why) {
    return "HTTP/1.1 426 Upgrade Required (WebSocket: not a valid request: " + why + ")";
  };
  CHECK(answer_upgrade_request(request(all)).response ==
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
            std::string(kAccept) + "\r\n\r\n");
  CHECK(answer(request("upgrade: h2c, WebSocket\r\nconnection: keep-alive\r\nConnection: x, UPGRADE\r\n" + key +
                       version + "Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Extensions: permessage-deflate\r\n")) ==
        fine);
  CHECK(answer(request(all + "Content-Length: 0\r\n")) == fine);
  CHECK(answer(request(all, "POST /chat HTTP/1.1")) == bad("not a GET"));
  CHECK(answer(request(all, "GET /chat HTTP/1.0")) == bad("not HTTP/1.1"));
  CHECK(answer(request(all + "Host: x\r\n")) == bad("not one Host"));
  CHECK(answer(request(all + "Content-Length: 5\r\n")) == bad("a body"));
  CHECK(answer(request(all + "Transfer-Encoding: chunked\r\n")) == bad("a body"));
  CHECK(answer(request(connection + key + version)) == other("no upgrade to WebSocket"));
  CHECK(answer(request(upgrade + key + version)) == other("no upgrade to WebSocket"));
  CHECK(answer(request(upgrade + connection + key)) == other("not version 13 of WebSocket"));
  CHECK(answer(request(upgrade + connection + key + "Sec-WebSocket-Version: 8\r\n")) ==
        other("not version 13 of WebSocket"));
  CHECK(answer(request(upgrade + connection + version)) == bad("no key of 16 bytes"));
  CHECK(answer(request(all + key)) == bad("no key of 16 bytes"));
  for (const std::string wrong : {"", "x", "dGhlIHNhbXBsZSBub25jZQ",
                                  "dGhlIHNhbXBsZSBub25jZR==", "dGhlIHNhbXBsZSBub25jZWE=", "====================----",
                                  "dGhlIHNhbXBsZSBub25jZQ==dGhlIHNhbXBsZSBub25jZQ=="}) {
    CHECK(answer(request(upgrade + connection + version + "Sec-WebSocket-Key: " + wrong + "\r\n")) ==
          bad("no key of 16 bytes"));
  }
  CHECK(answer("\x16\x03\x01\x02\r\n\r\n").starts_with("HTTP/1.1 400 "));
  CHECK(answer("\r\n\r\n").starts_with("HTTP/1.1 400 "));
  CHECK(answer_upgrade_request(request("")).response ==
        "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Connection: Upgrade, close\r\nContent-Length: 0\r\n\r\n");
}

TEST_CASE("websocket upgrade: what a client makes of the answer") {
  const std::string line = "HTTP/1.1 101 Switching Protocols\r\n", upgrade = "Upgrade: WebSocket\r\n",
                    connection = "Connection: upgrade\r\n",
                    accept = "Sec-WebSocket-Accept: " + std::string(kAccept) + "\r\n", end = "\r\n";
  CHECK(check(line + upgrade + connection + accept + end) == "");
  CHECK(check(line + "Server: x\r\n" + accept + connection + upgrade + end) == "");
  CHECK(check("HTTP/1.1 200 OK\r\n" + upgrade + connection + accept + end) == "WebSocket: the server answered 200");
  CHECK(check("HTTP/1.1 404 Not Found\r\n\r\n") == "WebSocket: the server answered 404");
  CHECK(check("HTTP/1.0 101 x\r\n" + upgrade + connection + accept + end) == "WebSocket: the server did not upgrade");
  CHECK(check(line + connection + accept + end) == "WebSocket: the server did not upgrade");
  CHECK(check(line + upgrade + accept + end) == "WebSocket: the server did not upgrade");
  CHECK(check(line + upgrade + connection + end) == "WebSocket: the server did not answer our key");
  CHECK(check(line + upgrade + connection + accept + accept + end) == "WebSocket: the server did not answer our key");
  CHECK(check(line + upgrade + connection + "Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" + end) ==
        "WebSocket: the server did not answer our key");
  for (const std::string more : {"Sec-WebSocket-Protocol: a\r\n", "Sec-WebSocket-Extensions: permessage-deflate\r\n"}) {
    CHECK(check(line + upgrade + connection + accept + more + end) ==
          "WebSocket: the server chose what was not offered");
  }
  CHECK(check("SSH-2.0-OpenSSH\r\n\r\n").starts_with("WebSocket: not a valid response: "));
  CHECK(check("\r\n\r\n").starts_with("WebSocket: not a valid response: "));
}

TEST_CASE("websocket upgrade: a head in all sizes of pieces; what is behind it is left") {
  const std::string head = "GET / HTTP/1.1\r\nA: b\r\n\r\n", all = head + "\r\n\r\nbehind";
  for (std::size_t step = 1; step <= all.size(); ++step) {
    HttpHead collected;
    std::string rest = all;
    for (bool whole = false; !whole;) {
      Bytes in = as_bytes(rest).first(std::min(step, rest.size()));
      const std::size_t before = in.size();
      whole = collected.receive(in).value();
      rest.erase(0, before - in.size());
      REQUIRE((whole || in.empty()));
    }
    REQUIRE(collected.text() == head);
    REQUIRE(rest == "\r\n\r\nbehind");
  }
}

TEST_CASE("websocket upgrade: a head of 16 KiB is the most") {
  for (const std::size_t size : {HttpHead::kMaxSize, HttpHead::kMaxSize + 1}) {
    const std::string start = "HTTP/1.1 404 Not Found\r\nA: ";
    const std::string text = start + std::string(size - start.size() - 4, 'x') + "\r\n\r\n";
    HttpHead head;
    Bytes in = as_bytes(text);
    const auto received = head.receive(in);
    CHECK(received.has_value() == (size == HttpHead::kMaxSize));
    if (received) CHECK(check(head.text()) == "WebSocket: the server answered 404");
  }
}

}  // namespace swage::websocket
