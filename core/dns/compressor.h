// Name compression of one message (RFC 1035 section 4.1.4): remembers the names that were written and writes the next
// one with a pointer to the longest suffix that is there already. Case is ignored, where it may be.
#pragma once

#include <array>
#include <cstdint>

#include "core/bytes.h"
#include "core/dns/name.h"

namespace swage::dns {

class Compressor {
 public:
  // `message`: what is written so far and what is yet to be, from its header on; the question's name stands at byte 12.
  // `qname`: that name where the query has it: views into it are recognised by their address, without a look at them.
  // `keeps_case`: a pointer leads only to what is spelled alike, as in zone transfers (RFC 5936 section 3.4), whose
  // names come in their order: each is compared with the one before it first, and most need no more.
  Compressor(MutableBytes message, NameView qname, bool keeps_case = false)
      : message_(message), qname_(qname), keeps_case_(keeps_case) {}

  // Writes `name` at byte `at`. Returns the place after it, or 0 where it does not fit.
  [[nodiscard]] std::size_t write(NameView name, std::size_t at);

 private:
  // The names form a tree whose edges are labels. A node is the place in the message where its label stands; the table
  // holds each node under the hash of its parent's place and its label, so one probe goes one label down.
  struct Node {
    std::uint16_t place;   // 0: the slot is empty
    std::uint16_t parent;  // place of the node that this label hangs on; 0 is the root
  };
  static constexpr std::size_t kSlots = 256;
  static constexpr std::size_t kMaxNodes = kSlots * 3 / 4;

  // The last name that was written.
  struct Last {
    NameView name;
    std::size_t place = 0;   // where it stands in the message
    std::size_t parent = 0;  // where the name without its first label does; 0: it is the root, or nowhere
  };

  void start();
  // What write() does for a name that shares its end with the last one; 0: it does not, or does not fit.
  [[nodiscard]] std::size_t write_after_last(NameView name, std::size_t at);
  [[nodiscard]] Node& slot(std::uint16_t parent, const std::uint8_t* label);

  MutableBytes message_;
  NameView qname_;
  bool keeps_case_;
  bool started_ = false;
  std::size_t nodes_ = 0;
  Last last_;                       // set where keeps_case_ is
  std::array<Node, kSlots> table_;  // unset until start(): most answers own nothing but qname and never look here
};

}  // namespace swage::dns
