// The sign plugin: signs zone files, and writes the signed zone to another file, which *file* or *auto* serves. It
// answers nothing: SignService, one a zone, works in the service process.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/file_stamp.h"
#include "core/plugin/plugin.h"
#include "core/signing/key_settings.h"
#include "core/signing/key_watch.h"
#include "core/signing/zone_maker.h"

namespace swage::plugins::sign {

struct SignedFile {
  dns::Name apex;           // lower case
  std::string path;         // of the zone file
  std::string signed_path;  // of what is written
  config::Token directive;  // where the Corefile says so, for errors
  signing::KeySettings keys{};
  signing::ZoneSettings settings{};
  metrics::Counter made{}, failures{};
  metrics::Gauge expiry{};  // of the first signature, seconds since 1970
};

class SignService : public Service {
 public:
  explicit SignService(SignedFile file);
  // Signs, so that the file is there before it is read to be served.
  [[nodiscard]] Result<> prepare() override;
  [[nodiscard]] async::Task<Result<>> run(Host& host) override;

 private:
  [[nodiscard]] Result<> sign();
  [[nodiscard]] bool must_sign(std::int64_t now);
  [[nodiscard]] Result<shm::Segment> read(const std::string& path, bool tells) const;
  void report(const Result<>& done);
  [[nodiscard]] async::Task<> stop_at_end(Host& host);

  SignedFile file_;
  signing::ZoneMaker maker_;
  FileStamp stamp_;                   // of the zone file, as it was read last
  std::optional<shm::Segment> last_;  // that was written
  std::int64_t due_ = 0;              // when to sign again, seconds since 1970
  signing::KeyWatch watch_;           // of file_'s keys
  FileStamp seen_;                    // of the zone file: twice the same, it is not being written
  std::string problem_;               // why it could not be signed, until it could
};

[[nodiscard]] Result<> setup(Controller& controller);

}  // namespace swage::plugins::sign
