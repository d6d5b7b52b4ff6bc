// The table of right and wrong record data, tests/conformance/rdata.yaml.
#pragma once

#include <string>
#include <vector>

#include "core/bytes.h"

namespace swage::tests {

struct RdataForm {
  enum Kind { right, doubtful, wrong };

  std::string type;
  std::string text;      // the data in presentation format
  std::string expected;  // right: the wire form in hexadecimal; else words of the message
  Kind kind;

  [[nodiscard]] std::string record(const std::string& owner) const { return owner + " 60 IN " + type + " " + text; }
};

[[nodiscard]] const std::vector<RdataForm>& rdata_forms();

[[nodiscard]] std::string hex(Bytes bytes);
// As RFC 3597 writes any data: "\# 2 abcd".
[[nodiscard]] std::string generic_text(Bytes rdata);

}  // namespace swage::tests
