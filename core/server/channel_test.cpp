#include "core/server/channel.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include <catch2/catch.hpp>

using namespace swage;
using server::Channel;
using server::encode;
using server::Packet;
namespace message = server::message;

namespace {

// The next packet, if one is there.
std::optional<Packet> next(Channel& channel) {
  std::optional<Packet> next;
  REQUIRE(channel.receive([&](Packet packet) {
    next = std::move(packet);
    return false;
  }));
  return next;
}

}  // namespace

TEST_CASE("channel: messages arrive whole, in order, with their descriptors") {
  auto ends = *Channel::pair();
  int pipe_ends[2];
  REQUIRE(pipe(pipe_ends) == 0);
  ends.first.send(message::Serves{"one"});
  ends.first.send(message::PulsePage{Descriptor(pipe_ends[0])});
  ends.first.send(message::Ready{});
  std::optional<Packet> packet = next(ends.second);
  REQUIRE(packet);
  CHECK(packet->bytes == encode(message::Serves{"one"}).bytes);
  CHECK_FALSE(packet->descriptor.exists());
  packet = next(ends.second);
  CHECK(packet->bytes.front() == message::PulsePage::kKind);
  REQUIRE(packet->descriptor.exists());
  REQUIRE(write(pipe_ends[1], "x", 1) == 1);
  char byte = 0;
  CHECK(read(packet->descriptor.get(), &byte, 1) == 1);
  CHECK(byte == 'x');
  CHECK(next(ends.second)->bytes == encode(message::Ready{}).bytes);
  CHECK_FALSE(next(ends.second));
  close(pipe_ends[1]);
}

TEST_CASE("channel: a peer that does not read makes nobody wait, and loses nothing") {
  auto ends = *Channel::pair();
  const Packet big = encode(message::Serves{std::string(Packet::kMaxText, 'x')});
  for (int i = 0; i < 100; ++i) ends.first.send(message::Serves{std::string(Packet::kMaxText, 'x')});
  CHECK(ends.first.unsent());
  int received = 0;
  while (received < 100) {
    ends.first.flush();
    const std::optional<Packet> packet = next(ends.second);
    if (!packet) continue;
    CHECK(packet->bytes == big.bytes);
    ++received;
  }
  CHECK_FALSE(ends.first.unsent());
}

TEST_CASE("channel: of messages that replace each other only the newest waits") {
  auto ends = *Channel::pair();
  const std::string big(Packet::kMaxText, 'x');
  while (!ends.first.unsent()) ends.first.send(message::Serves{big});
  int pipe_ends[2];
  REQUIRE(pipe(pipe_ends) == 0);
  const Descriptor out(pipe_ends[0]), in(pipe_ends[1]);
  const server::MemoryName name{server::MemoryKind::snapshot, "zone"};
  for (int i = 0; i < 100; ++i) ends.first.send_newest(message::Memory{name, *out.duplicate()});
  ends.first.send_newest(message::Memory{name, *in.duplicate()});
  std::size_t memories = 0;
  for (int tries = 0; tries < 1000; ++tries) {
    ends.first.flush();
    std::optional<Packet> packet = next(ends.second);
    if (!packet || packet->bytes.front() != message::Memory::kKind) continue;
    ++memories;
    CHECK(write(packet->descriptor.get(), "x", 1) == 1);  // the last one
  }
  CHECK(memories == 1);
}

TEST_CASE("channel: the end of the other side is an error to the reader, and nothing to the writer") {
  auto ends = *Channel::pair();
  ends.second.send(message::Failed{"last words"});
  {
    const Channel gone = std::move(ends.second);
  }
  ends.first.send(message::Ready{});
  CHECK_FALSE(ends.first.unsent());
  CHECK(next(ends.first)->bytes == encode(message::Failed{"last words"}).bytes);
  CHECK_FALSE(ends.first.receive([](const Packet&) { return true; }));
}

TEST_CASE("channel: what no message of ours is, a longer one or one with two descriptors, does not pass for one") {
  auto ends = *Channel::pair();
  const std::string long_one(2 * Packet::kMaxSize, 'x');
  REQUIRE(send(ends.first.socket().get(), long_one.data(), long_one.size(), MSG_NOSIGNAL) > 0);
  CHECK(next(ends.second)->bytes.empty());

  const std::array<int, 2> two = {0, 0};
  char kind = message::PulsePage::kKind;
  iovec part = {&kind, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof two)] = {};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  cmsghdr* const rights = CMSG_FIRSTHDR(&header);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof two);
  std::memcpy(CMSG_DATA(rights), two.data(), sizeof two);
  REQUIRE(sendmsg(ends.first.socket().get(), &header, MSG_NOSIGNAL) == 1);
  const Descriptor lowest(dup(0));
  CHECK_FALSE(ends.second.receive([](const Packet&) { return true; }));
  CHECK(Descriptor(dup(0)).get() == lowest.get() + 1);  // neither of them is open here
}
