// Frame Streams, and what dnstap puts into it: to the byte.
#include "core/dnstap/frames.h"

#include <protozero/pbf_reader.hpp>

#include "core/dnstap/message.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::dnstap {
namespace {

using namespace std::string_literals;

std::string type_field() { return "\0\0\0\1\0\0\0\x16protobuf:dnstap.Dnstap"s; }

// ACCEPT with these fields.
std::string accept(const std::string& fields) {
  std::string frame = "\0\0\0\0\0\0\0"s;
  frame += static_cast<char>(4 + fields.size());
  return frame + "\0\0\0\1"s + fields;
}

// What a reader makes of `text`, byte by byte.
std::string read(const std::string& text) {
  ControlReader reader;
  std::string said;
  for (const char& byte : text) {
    reader.feed(as_bytes({&byte, 1}));
    const Result<std::optional<Control>> frame = reader.next();
    if (!frame) return said + frame.error().text();
    if (*frame) said += std::to_string(static_cast<unsigned>(**frame)) + " ";
  }
  return said;
}

// The fields of a protobuf message, in order: "1=bytes 15=1 14={…}".
std::string fields(protozero::data_view bytes) {
  std::string text;
  protozero::pbf_reader reader(bytes);
  while (reader.next()) {
    const protozero::pbf_tag_type tag = reader.tag();
    text += std::to_string(tag) + "=";
    if (reader.wire_type() == protozero::pbf_wire_type::length_delimited) {
      const protozero::data_view value = reader.get_view();
      text += tag == 14 && value.size() > 12 ? "{" + fields(value) + "}" : std::string(value);
    } else if (reader.wire_type() == protozero::pbf_wire_type::fixed32) {
      text += std::to_string(reader.get_fixed32());
    } else {
      text += std::to_string(reader.get_uint64());
    }
    text += " ";
  }
  return text;
}

}  // namespace

TEST_CASE("frames: what is sent") {
  std::string frames;
  append_frame("ab", frames);
  CHECK(frames == "\0\0\0\2ab"s);
  CHECK(control_frame(Control::ready) == "\0\0\0\0\0\0\0\x22\0\0\0\4"s + type_field());
  CHECK(control_frame(Control::start) == "\0\0\0\0\0\0\0\x22\0\0\0\2"s + type_field());
  CHECK(control_frame(Control::stop) == "\0\0\0\0\0\0\0\4\0\0\0\3"s);
}

TEST_CASE("frames: what a consumer says") {
  CHECK(read(accept(type_field())) == "1 ");
  CHECK(read(accept("")) == "1 ");
  CHECK(read(accept("\0\0\0\1\0\0\0\1x"s + type_field())) == "1 ");
  CHECK(read(accept(type_field()) + "\0\0\0\0\0\0\0\4\0\0\0\5"s) == "1 5 ");
  CHECK(read(accept("\0\0\0\1\0\0\0\1x"s)) == "it does not take protobuf:dnstap.Dnstap");
  CHECK(read(accept("\0\0\0\1\0\0\0\2x"s)) == "a field of its control frame is cut short");
  CHECK(read(accept("\0\0\0\1"s)) == "a field of its control frame is cut short");
  CHECK(read(accept("\0\0\0\2\0\0\0\0"s)) == "its control frame has a field of the unknown type 2");
  CHECK(read("HTTP/1.1 400 Bad Request") == "it does not speak Frame Streams");
  CHECK(read("\0\0\0\0\0\0\2\1"s) == "its control frame has 513 bytes");
  CHECK(read("\0\0\0\0\0\0\0\0"s) == "its control frame has 0 bytes");
  CHECK(read("\0\0\0\0\0\0\0\4\0\0\0\6"s) == "its control frame is of the unknown type 6");
}

TEST_CASE("message: what is told of a query and its response") {
  Event event;
  event.answered = true;
  event.received = 1'500'000'001;
  event.sent = 2'000'000'002;
  event.client = {*IpAddress::parse("49.50.51.52"), 4000, 0};  // "1234"
  event.server = {*IpAddress::parse("53.54.55.56"), 53, 0};    // "5678"
  event.zone = as_bytes("zone");
  event.query = as_bytes("query");
  event.response = as_bytes("response");
  Sender sender{.identity = "me", .version = "v", .role = Role::client, .clock = 1'000'000'000};
  std::string payload;
  write_query(event, sender, payload);
  CHECK(fields(payload) ==
        "1=me 2=v 14={1=5 2=1 3=1 4=1234 5=5678 6=4000 7=53 8=2 9=500000001 10=query 11=zone } 15=1 ");
  write_response(event, sender, payload);
  CHECK(fields(payload) ==
        "1=me 2=v 14={1=6 2=1 3=1 4=1234 5=5678 6=4000 7=53 8=2 9=500000001 11=zone 12=3 13=2 14=response } 15=1 ");

  event.is_tcp = event.is_update = true;
  event.client.address = *IpAddress::parse("6162:6364:6566:6768:696a:6b6c:6d6e:6f70");
  event.query = event.zone = {};
  event.extra = as_bytes("more");
  sender = {.identity = "", .version = "", .role = Role::auth, .clock = -9'000'000'000};  // before 1970: hostile
  write_query(event, sender, payload);
  CHECK(fields(payload) == "3=more 14={1=13 2=2 3=2 4=abcdefghijklmnop 6=4000 7=53 8=0 9=0 } 15=1 ");
}

}  // namespace swage::dnstap
