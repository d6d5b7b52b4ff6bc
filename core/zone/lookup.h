// Finding names in a zone image: SearchName is what to look for, ImageReader looks. Internal to core/zone; in dns
// processes.
#pragma once

#include <array>
#include <cstdint>

#include "core/bytes.h"
#include "core/dns/name.h"
#include "core/dns/query.h"
#include "core/dns/types.h"
#include "core/zone/image.h"

namespace swage::zone {

// A name at or below the apex of a zone, with the hashes of itself and of its parents down from the apex. Depths count
// labels below the apex: suffix(0) is the apex, suffix(depth()) the name.
class SearchName {
 public:
  SearchName(const image::Header& zone, const dns::Query& query);
  explicit SearchName(const image::Header& zone) : zone_(zone) {}  // no name until set()
  SearchName(const SearchName&) = delete;
  SearchName& operator=(const SearchName&) = delete;

  // Looks for another name from now on. `name` must outlive this; REQUIRES: it is under the apex.
  void set(dns::NameView name);

  [[nodiscard]] dns::NameView spelling() const { return spelling_; }
  [[nodiscard]] std::size_t depth() const { return depth_; }
  [[nodiscard]] dns::NameView suffix(std::size_t depth) const {  // in lower case
    const std::size_t start = labels_[depth_ - depth];
    return {key_ + start, spelling_.size() - start};
  }
  // REQUIRES: depth is at most the zone's max_depth.
  [[nodiscard]] std::uint64_t hash(std::size_t depth) const { return hashes_[depth]; }

 private:
  void hash_all();

  const image::Header& zone_;
  dns::NameView spelling_;
  const std::uint8_t* key_ = nullptr;     // the spelling in lower case
  const std::uint8_t* labels_ = nullptr;  // where each label starts
  std::size_t depth_ = 0;
  std::array<std::uint64_t, dns::kMaxLabels + 1> hashes_;  // by depth
  std::array<std::uint8_t, dns::kMaxName> own_key_;        // where key_ and labels_ are not the query's
  std::array<std::uint8_t, dns::kMaxLabels + 1> own_labels_;
};

struct Found {
  const image::Node* node;      // of the name; nullptr where it does not exist
  const image::Node* encloser;  // the closest encloser (RFC 4592 section 3.3.1); the node itself where that exists
  std::size_t depth;            // of the encloser
};

// Reads an image. As cheap as the pointer that it is.
class ImageReader {
 public:
  explicit ImageReader(const std::uint8_t* image) : image_(image) {}

  [[nodiscard]] const image::Header& header() const { return *at<image::Header>(0); }
  // What lies at `ref`. REQUIRES: the image has a T there.
  template <typename T>
  [[nodiscard]] const T* at(image::Ref ref) const {
    return reinterpret_cast<const T*>(image_ + std::size_t{ref} * image::kUnit);
  }
  [[nodiscard]] const image::Node& apex() const { return *at<image::Node>(header().apex); }
  [[nodiscard]] const image::Node* node_or_null(image::Ref ref) const {
    return ref == 0 ? nullptr : at<image::Node>(ref);
  }
  [[nodiscard]] Found find(const SearchName& name) const;
  // The node of exactly this name: `key` in lower case, `hash` its hash.
  [[nodiscard]] const image::Node* probe(std::uint64_t hash, dns::NameView key) const;

 private:
  [[nodiscard]] const image::Node* probe(const SearchName& name, std::size_t depth) const;

  const std::uint8_t* image_;
};

// Where the first RRset of a node lies; after the last one comes the next node.
[[nodiscard]] inline const image::Rrset* first_rrset(const image::Node& node) {
  return reinterpret_cast<const image::Rrset*>(node.name_data() + image::padded(node.name_size));
}

// The RRsets of a node: a range.
class Rrsets {
 public:
  class Iterator {
   public:
    Iterator(const image::Rrset* rrset, unsigned left) : rrset_(rrset), left_(left) {}
    const image::Rrset& operator*() const { return *rrset_; }
    Iterator& operator++() {
      rrset_ = rrset_->next();
      --left_;
      return *this;
    }
    bool operator!=(const Iterator& other) const { return left_ != other.left_; }

   private:
    const image::Rrset* rrset_;
    unsigned left_;
  };

  explicit Rrsets(const image::Node& node) : node_(node) {}
  [[nodiscard]] Iterator begin() const { return {first_rrset(node_), node_.rrsets}; }
  [[nodiscard]] static Iterator end() { return {nullptr, 0}; }

 private:
  const image::Node& node_;
};

// The RRset of a type, nullptr where there is none (or only its RRSIGs).
[[nodiscard]] const image::Rrset* find_rrset(const image::Node& node, dns::Type type);

// Walks over the rdata of an RRset: first its records, then its RRSIGs.
class RdataCursor {
 public:
  explicit RdataCursor(const image::Rrset& rrset);
  // The next rdata. REQUIRES: fewer than count + sigs calls before.
  Bytes next() {
    std::uint16_t length;
    std::memcpy(&length, at_, sizeof length);
    const Bytes rdata(at_ + sizeof length, length);
    at_ += sizeof length + length;
    return rdata;
  }
  [[nodiscard]] const std::uint8_t* at() const { return at_; }

 private:
  const std::uint8_t* at_;
};

// For each record the node of the name in it, see has_targets(). REQUIRES: has_targets(rrset.type).
[[nodiscard]] inline const image::Ref* targets(const image::Rrset& rrset) {
  return reinterpret_cast<const image::Ref*>(&rrset + 1);
}

}  // namespace swage::zone
