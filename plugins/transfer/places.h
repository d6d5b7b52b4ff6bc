// How many transfers are under way in a process, and whose. In dns processes.
//
// A transfer costs little: it holds a version of a zone that all processes share, and a message at a time. The bounds
// are for those who begin many and never read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

#include "core/net.h"

namespace swage::plugins::transfer {

class Places {
 public:
  static constexpr std::size_t kMost = 1024;
  static constexpr std::uint32_t kMostOfANetwork = 256;  // an IPv4 network of 24 bits, an IPv6 network of 48 bits

  // One of them, until it is destroyed. The Places outlive it.
  class Place {
   public:
    Place() = default;  // none
    Place(Places& places, const IpAddress& network) : places_(&places), network_(network) {}
    ~Place() { leave(); }
    Place(Place&& other) noexcept : places_(other.places_), network_(other.network_) { other.places_ = nullptr; }
    Place& operator=(Place&& other) noexcept;

    explicit operator bool() const { return places_ != nullptr; }

   private:
    void leave();
    Places* places_ = nullptr;
    IpAddress network_;
  };

  // None where there are too many, of the client's network or of all.
  [[nodiscard]] Place take(const IpAddress& client);
  [[nodiscard]] std::size_t taken() const { return taken_; }

 private:
  std::map<IpAddress, std::uint32_t> networks_;
  std::size_t taken_ = 0;
};

}  // namespace swage::plugins::transfer
