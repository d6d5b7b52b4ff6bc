// Finding names in a zone image: SearchName is what to look for, ImageReader looks. Internal to core/dns; in dns
// processes.
#pragma once

#include <array>
#include <cstdint>

#include "core/bytes.h"
#include "core/dns/name.h"
#include "core/dns/query.h"
#include "core/dns/types.h"
#include "core/zone/image.h"

namespace swage::dns {

// A name at or below the apex of a zone, with the hashes of itself and of its parents down from the apex. Depths count
// labels below the apex: suffix(0) is the apex, suffix(depth()) the name.
class SearchName {
 public:
  SearchName(const zone_image::Header& zone, const Query& query);
  explicit SearchName(const zone_image::Header& zone) : zone_(zone) {}  // no name until set()
  SearchName(const SearchName&) = delete;
  SearchName& operator=(const SearchName&) = delete;

  // Looks for another name from now on. `name` must outlive this; REQUIRES: it is under the apex.
  void set(NameView name);

  [[nodiscard]] NameView spelling() const { return spelling_; }
  [[nodiscard]] std::size_t depth() const { return depth_; }
  [[nodiscard]] NameView suffix(std::size_t depth) const {  // in lower case
    const std::size_t start = labels_[depth_ - depth];
    return {key_ + start, spelling_.size() - start};
  }
  // REQUIRES: depth is at most the zone's max_depth.
  [[nodiscard]] std::uint64_t hash(std::size_t depth) const { return hashes_[depth]; }

 private:
  void hash_all();

  const zone_image::Header& zone_;
  NameView spelling_;
  const std::uint8_t* key_ = nullptr;     // the spelling in lower case
  const std::uint8_t* labels_ = nullptr;  // where each label starts
  std::size_t depth_ = 0;
  std::array<std::uint64_t, kMaxLabels + 1> hashes_;  // by depth
  std::array<std::uint8_t, kMaxName> own_key_;        // where key_ and labels_ are not the query's
  std::array<std::uint8_t, kMaxLabels + 1> own_labels_;
};

struct Found {
  const zone_image::Node* node;      // of the name; nullptr where it does not exist
  const zone_image::Node* encloser;  // the closest encloser (RFC 4592 section 3.3.1); the node itself where that exists
  std::size_t depth;                 // of the encloser
};

// Reads an image. As cheap as the pointer that it is.
class ImageReader {
 public:
  explicit ImageReader(const std::uint8_t* image) : image_(image) {}

  [[nodiscard]] const zone_image::Header& header() const { return *at<zone_image::Header>(0); }
  // What lies at `ref`. REQUIRES: the image has a T there.
  template <typename T>
  [[nodiscard]] const T* at(zone_image::Ref ref) const {
    return reinterpret_cast<const T*>(image_ + std::size_t{ref} * zone_image::kUnit);
  }
  [[nodiscard]] const zone_image::Node& apex() const { return *at<zone_image::Node>(header().apex); }
  [[nodiscard]] const zone_image::Node* node_or_null(zone_image::Ref ref) const {
    return ref == 0 ? nullptr : at<zone_image::Node>(ref);
  }
  [[nodiscard]] Found find(const SearchName& name) const;
  // The node of exactly this name: `key` in lower case, `hash` its hash.
  [[nodiscard]] const zone_image::Node* probe(std::uint64_t hash, NameView key) const;

 private:
  [[nodiscard]] const zone_image::Node* probe(const SearchName& name, std::size_t depth) const;

  const std::uint8_t* image_;
};

// The RRsets of a node: a range.
class Rrsets {
 public:
  class Iterator {
   public:
    Iterator(const zone_image::Rrset* rrset, unsigned left) : rrset_(rrset), left_(left) {}
    const zone_image::Rrset& operator*() const { return *rrset_; }
    Iterator& operator++() {
      rrset_ = rrset_->next();
      --left_;
      return *this;
    }
    bool operator!=(const Iterator& other) const { return left_ != other.left_; }

   private:
    const zone_image::Rrset* rrset_;
    unsigned left_;
  };

  explicit Rrsets(const zone_image::Node& node) : node_(node) {}
  [[nodiscard]] Iterator begin() const {
    return {reinterpret_cast<const zone_image::Rrset*>(node_.name_data() + zone_image::padded(node_.name_size)),
            node_.rrsets};
  }
  [[nodiscard]] static Iterator end() { return {nullptr, 0}; }

 private:
  const zone_image::Node& node_;
};

// The RRset of a type, nullptr where there is none (or only its RRSIGs).
[[nodiscard]] const zone_image::Rrset* find_rrset(const zone_image::Node& node, Type type);

// Walks over the rdata of an RRset: first its records, then its RRSIGs.
class RdataCursor {
 public:
  explicit RdataCursor(const zone_image::Rrset& rrset);
  // The next rdata. REQUIRES: fewer than count + sigs calls before.
  Bytes next() {
    std::uint16_t length;
    std::memcpy(&length, at_, sizeof length);
    const Bytes rdata(at_ + sizeof length, length);
    at_ += sizeof length + length;
    return rdata;
  }

 private:
  const std::uint8_t* at_;
};

// For each record the node of the name in it, see has_targets(). REQUIRES: has_targets(rrset.type).
[[nodiscard]] inline const zone_image::Ref* targets(const zone_image::Rrset& rrset) {
  return reinterpret_cast<const zone_image::Ref*>(&rrset + 1);
}

}  // namespace swage::dns
