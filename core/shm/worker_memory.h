// WorkerMemory: memory that each dns process writes alone, and all dns processes of its configuration and the service
// process read. What each has is its piece. The supervisor makes the pieces (core/server/worker_pieces.h):
//
//     the owner maps its piece before it is set up → it is ready → the supervisor seals the piece (Seal::elsewhere),
//                                                       and hands it to the others
//
// So nobody else can write a piece, or change its size, whatever becomes of its owner. A process that takes the place
// of another one begins with a new piece, all 0; the others read the old one until the new process is ready. After a
// reload all pieces are new.
//
// What is in others' pieces is not to be believed: a dns process that was taken over writes what it likes there, at any
// moment. Copy, then judge; check every index.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/shm/segment.h"

namespace swage::shm {

class WorkerMemory {
 public:
  explicit WorkerMemory(std::string name) : name_(std::move(name)) {}
  WorkerMemory(const WorkerMemory&) = delete;
  WorkerMemory& operator=(const WorkerMemory&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  // Bytes of each piece: the most that was asked for.
  [[nodiscard]] std::size_t size() const { return size_; }

  // The piece of this dns process, of size() bytes, for as long as it lives. Empty in every other process, and in
  // setup().
  [[nodiscard]] MutableBytes own() { return own_.writable_bytes(); }
  [[nodiscard]] Bytes own_piece() const { return own_.bytes(); }
  // The pieces of all dns processes by their number, one's own among them. Empty ones: there is none, or none yet.
  // Valid until control goes back to the event loop.
  [[nodiscard]] const std::vector<Bytes>& all() const { return all_; }

  static constexpr std::size_t kMaxSize = std::size_t{1} << 30;  // bytes; those alone that are written take memory
  static constexpr std::uint32_t kMaxWorkers = std::uint32_t{1} << 16;

  // For core/server and the test harness alone.
  void ask_for(std::size_t bytes) { size_ = std::max(size_, bytes); }
  // The piece of this process, which is the dns process of that number. REQUIRES: of size() bytes.
  void begin(std::uint32_t worker, Segment own) {
    own_ = std::move(own);
    show(worker, own_.bytes());
  }
  // That of another one. REQUIRES: of size() bytes.
  void replace(std::uint32_t worker, Mapping piece) {
    show(worker, piece.bytes());
    if (pieces_.size() <= worker) pieces_.resize(worker + std::size_t{1});
    pieces_[worker] = std::move(piece);
  }

 private:
  void show(std::uint32_t worker, Bytes piece) {
    if (all_.size() <= worker) all_.resize(worker + std::size_t{1});
    all_[worker] = piece;
  }

  std::string name_;
  std::size_t size_ = 0;
  Segment own_;
  std::vector<Mapping> pieces_;  // of others
  std::vector<Bytes> all_;
};

}  // namespace swage::shm
