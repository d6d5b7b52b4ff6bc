// io_uring as it is meant to be used: one multishot recvmsg fills buffers of a ring that the kernel picks from; answers
// are sendmsg requests out of the very buffers, submitted together when all that has come is looked at.
#include <liburing.h>
#include <netinet/in.h>

#include <array>
#include <cstring>
#include <memory>
#include <vector>

#include "tests/bench/ways/way.h"

namespace swage::bench {
namespace {

constexpr unsigned kBuffers = 1024;  // a power of two
constexpr std::size_t kBuffer = 2048;
constexpr unsigned kGroup = 1;
constexpr std::uint64_t kReceive = ~std::uint64_t{0};  // of user_data; else the buffer that was sent

class Ring {
 public:
  explicit Ring(const WayOptions& options) : options_(options), buffers_(kBuffers), messages_(kBuffers) {}

  Result<> open() {
    io_uring_params parameters{};
    parameters.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE;
    parameters.cq_entries = 4 * kBuffers;
    if (const int error = io_uring_queue_init_params(kBuffers, &ring_, &parameters); error < 0) {
      return fail("io_uring: {}", std::strerror(-error));
    }
    if (posix_memalign(reinterpret_cast<void**>(&supply_), 4096, kBuffers * sizeof(io_uring_buf)) != 0) {
      return fail("no memory");
    }
    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<std::uint64_t>(supply_);
    registration.ring_entries = kBuffers;
    registration.bgid = kGroup;
    if (const int error = io_uring_register_buf_ring(&ring_, &registration, 0); error < 0) {
      return fail("io_uring_register_buf_ring: {}", std::strerror(-error));
    }
    io_uring_buf_ring_init(supply_);
    for (unsigned i = 0; i < kBuffers; ++i) give(i);
    io_uring_buf_ring_advance(supply_, std::exchange(given_, 0));
    layout_.msg_namelen = sizeof(sockaddr_in);
    receive();
    return {};
  }

  void turn() {
    if (options_.spin) {
      io_uring_submit_and_get_events(&ring_);
    } else {
      io_uring_submit_and_wait(&ring_, 1);
    }
    unsigned head;
    unsigned seen = 0;
    io_uring_cqe* completion;
    io_uring_for_each_cqe(&ring_, head, completion) {
      ++seen;
      if (completion->user_data != kReceive) {
        give(static_cast<unsigned>(completion->user_data));
        continue;
      }
      if ((completion->flags & IORING_CQE_F_BUFFER) != 0)
        send(completion->flags >> IORING_CQE_BUFFER_SHIFT, completion->res);
      if ((completion->flags & IORING_CQE_F_MORE) == 0) receive();
    }
    io_uring_buf_ring_advance(supply_, std::exchange(given_, 0));
    io_uring_cq_advance(&ring_, seen);
  }

 private:
  struct Message {
    msghdr header{};
    iovec part{};
  };

  io_uring_sqe* request() {
    io_uring_sqe* next = io_uring_get_sqe(&ring_);
    if (next == nullptr) {
      io_uring_submit(&ring_);
      next = io_uring_get_sqe(&ring_);
    }
    return next;
  }

  void receive() {
    io_uring_sqe* const next = request();
    io_uring_prep_recvmsg_multishot(next, options_.descriptor, &layout_, 0);
    next->flags |= IOSQE_BUFFER_SELECT;
    next->buf_group = kGroup;
    io_uring_sqe_set_data64(next, kReceive);
  }

  void send(unsigned buffer, int size) {
    io_uring_recvmsg_out* const out = io_uring_recvmsg_validate(buffers_[buffer].data(), size, &layout_);
    if (out == nullptr) return give(buffer);
    auto* const payload = static_cast<std::uint8_t*>(io_uring_recvmsg_payload(out, &layout_));
    payload[2] |= 0x80;
    Message& message = messages_[buffer];
    message.part = {.iov_base = payload, .iov_len = io_uring_recvmsg_payload_length(out, size, &layout_)};
    message.header.msg_name = io_uring_recvmsg_name(out);
    message.header.msg_namelen = sizeof(sockaddr_in);
    message.header.msg_iov = &message.part;
    message.header.msg_iovlen = 1;
    io_uring_sqe* const next = request();
    io_uring_prep_sendmsg(next, options_.descriptor, &message.header, 0);
    io_uring_sqe_set_data64(next, buffer);
  }

  void give(unsigned buffer) {
    io_uring_buf_ring_add(supply_, buffers_[buffer].data(), kBuffer, static_cast<unsigned short>(buffer),
                          io_uring_buf_ring_mask(kBuffers), static_cast<int>(given_++));
  }

  const WayOptions& options_;
  io_uring ring_{};
  io_uring_buf_ring* supply_ = nullptr;
  int given_ = 0;
  msghdr layout_{};
  std::vector<std::array<std::uint8_t, kBuffer>> buffers_;
  std::vector<Message> messages_;
};

}  // namespace

Result<> echo_io_uring(const WayOptions& options) {
  const auto ring = std::make_unique<Ring>(options);
  TRY(ring->open());
  while (true) ring->turn();
}

}  // namespace swage::bench
