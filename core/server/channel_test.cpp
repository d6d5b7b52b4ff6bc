#include "core/server/channel.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

using namespace swage;
using server::Channel;
using server::Message;

TEST_CASE("channel: messages arrive whole, in order, with their descriptors") {
  auto ends = *Channel::pair();
  int pipe_ends[2];
  REQUIRE(pipe(pipe_ends) == 0);
  ends.first.send({Message::Kind::serves, "one", {}});
  ends.first.send({Message::Kind::snapshot, "two", Descriptor(pipe_ends[0])});
  ends.first.send({Message::Kind::ready, "", {}});
  auto message = ends.second.receive();
  REQUIRE((message && message->has_value()));
  CHECK((*message)->text == "one");
  CHECK_FALSE((*message)->descriptor.exists());
  message = ends.second.receive();
  CHECK((*message)->kind == Message::Kind::snapshot);
  REQUIRE((*message)->descriptor.exists());
  REQUIRE(write(pipe_ends[1], "x", 1) == 1);
  char byte = 0;
  CHECK(read((*message)->descriptor.get(), &byte, 1) == 1);
  CHECK(byte == 'x');
  message = ends.second.receive();
  CHECK((*message)->kind == Message::Kind::ready);
  CHECK((*message)->text.empty());
  message = ends.second.receive();
  REQUIRE(message);
  CHECK_FALSE(message->has_value());
  close(pipe_ends[1]);
}

TEST_CASE("channel: a peer that does not read makes nobody wait, and loses nothing") {
  auto ends = *Channel::pair();
  const std::string big(Message::kMostText, 'x');
  for (int i = 0; i < 100; ++i) ends.first.send({Message::Kind::serves, big, {}});
  CHECK(ends.first.unsent());
  int received = 0;
  while (received < 100) {
    ends.first.flush();
    auto message = ends.second.receive();
    REQUIRE(message);
    if (!message->has_value()) continue;
    CHECK((*message)->text.size() == big.size());
    ++received;
  }
  CHECK_FALSE(ends.first.unsent());
}

TEST_CASE("channel: the end of the other side is an error to the reader, and nothing to the writer") {
  auto ends = *Channel::pair();
  ends.second.send({Message::Kind::failed, "last words", {}});
  {
    const Channel gone = std::move(ends.second);
  }
  ends.first.send({Message::Kind::drain, "", {}});
  CHECK_FALSE(ends.first.unsent());
  CHECK((*ends.first.receive())->text == "last words");
  CHECK_FALSE(ends.first.receive());
}
