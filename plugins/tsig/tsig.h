// tsig: verifies signed requests, has their responses signed, and refuses what ought to be signed and is not (RFC
// 8945). Tsig answers in dns processes; KeyFiles reads files of keys in the service process and publishes them.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/plugin/follow.h"
#include "core/plugin/plugin.h"
#include "core/tsig/response_signer.h"

namespace swage::plugins::tsig {

// The keys of a directive: those of the Corefile, and those of files, as they were read last.
class BlockKeys : public swage::tsig::Keys {
 public:
  BlockKeys(swage::tsig::Ring written, const shm::Snapshot* from_files)
      : written_(std::move(written)), from_files_(from_files) {}

  [[nodiscard]] std::optional<swage::tsig::Key> find(dns::NameView name) const override;
  [[nodiscard]] const swage::tsig::Ring& written() const { return written_; }

 private:
  swage::tsig::Ring written_;
  const shm::Snapshot* from_files_;  // a Ring's bytes; nullptr: no files
};

// What has to be signed.
struct Required {
  bool all_types = false;
  std::vector<dns::Type> types;
  bool all_opcodes = false;
  std::vector<dns::Opcode> opcodes;

  [[nodiscard]] bool includes(const Query& query) const;
};

class Tsig : public Plugin {
 public:
  Tsig(std::vector<dns::Name> zones, Required required, std::unique_ptr<const BlockKeys> keys,
       metrics::Counters requests)
      : zones_(std::move(zones)), required_(std::move(required)), keys_(std::move(keys)), requests_(requests) {}

  [[nodiscard]] Result<Outcome> serve(const Query& query, Response& response, Next next) const override;
  [[nodiscard]] bool sees(dns::MessageKind) const override { return true; }

 private:
  [[nodiscard]] Result<Outcome> serve_unsigned(const Query& query, Response& response, Next next, bool ours) const;
  [[nodiscard]] Result<Outcome> refuse(const Query& query, Response& response, Next next,
                                       const swage::tsig::Request& request) const;

  std::vector<dns::Name> zones_;
  Required required_;
  std::unique_ptr<const BlockKeys> keys_;  // ServerBlock::keys, too
  metrics::Counters requests_;
};

class KeyFiles : public Service {
 public:
  KeyFiles(std::vector<std::string> paths, config::Token directive, const BlockKeys& keys, shm::Snapshot& snapshot);
  [[nodiscard]] Result<> prepare() override;
  [[nodiscard]] async::Task<Result<>> run(Host& host) override;

 private:
  [[nodiscard]] Result<swage::tsig::Ring> load() const;
  [[nodiscard]] Result<> publish(const swage::tsig::Ring& ring);

  std::vector<std::string> paths_;
  config::Token directive_;
  const BlockKeys& keys_;
  shm::Snapshot& snapshot_;
  FollowedFiles files_;
};

[[nodiscard]] Result<> setup(Controller& controller);

}  // namespace swage::plugins::tsig
