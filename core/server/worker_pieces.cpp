#include "core/server/worker_pieces.h"

#include <fmt/format.h>

#include "core/shm/segment.h"
#include "core/shm/worker_memory.h"

namespace swage::server {
namespace {

bool reads(const ChildProcess& child) { return child.role.is_dns() || child.role.is_service(); }

Result<> hand(ChildProcess& child, std::uint32_t worker, const std::string& name, const Descriptor& piece) {
  TRY(Descriptor copy, piece.duplicate());
  child.channel.send_newest(message::WorkerPiece{worker, name, std::move(copy)});
  return {};
}

}  // namespace

Result<> WorkerPieces::declare(message::DeclareWorkerMemory message) {
  if (message.size == 0 || message.size > shm::WorkerMemory::kMaxSize) {
    return fail("{}: memory of {} bytes for each dns process: expected 1 to {}", message.name, message.size,
                shm::WorkerMemory::kMaxSize);
  }
  if (sizes_.size() >= kMaxNames && !sizes_.contains(message.name)) {
    return fail("{}: dns processes write no more than {} kinds of memory", message.name, kMaxNames);
  }
  sizes_[std::move(message.name)] = message.size;
  return {};
}

Result<> WorkerPieces::provide_for(ChildProcess& child) {
  if (!reads(child)) return {};
  const auto number = static_cast<std::uint32_t>(child.role.number);
  if (child.role.is_dns()) {
    for (const auto& [name, size] : sizes_) {
      TRY(shm::Segment piece, shm::Segment::create(fmt::format("swage {} of {}", name, child.name), size));
      TRY(piece.fix_size());
      TRY(Descriptor own, piece.descriptor().duplicate());
      TRY(Descriptor kept, piece.descriptor().duplicate());
      child.channel.send(message::OwnPiece{number, name, std::move(own)});
      begun_[{number, name}] = std::move(kept);
    }
  }
  for (const auto& [key, piece] : sealed_) {
    if (!child.role.is_dns() || key.first != number) TRY(hand(child, key.first, key.second, piece));
  }
  return {};
}

Result<> WorkerPieces::seal(const ChildProcess& child, std::list<ChildProcess>& children) {
  const auto number = static_cast<std::uint32_t>(child.role.number);
  for (const auto& [name, size] : sizes_) {
    auto begun = begun_.extract({number, name});
    if (begun.empty()) continue;
    TRY(shm::Segment::seal_elsewhere(begun.mapped()));
    for (ChildProcess& other : children) {
      if (&other == &child || !reads(other)) continue;
      if (const Result<> handed = hand(other, number, name, begun.mapped()); !handed) {
        other.condemn(handed.error().text());  // its successor gets everything
      }
    }
    sealed_.insert_or_assign({number, name}, std::move(begun.mapped()));
  }
  return {};
}

}  // namespace swage::server
