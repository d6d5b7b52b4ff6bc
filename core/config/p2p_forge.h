// The directives of p2p-forge, `ipparser` and `acme`, as what they mean in swage's own: so that a Corefile of p2p-forge
// starts as it stands. What they say is documented in plugins/p2p_forge/README.md. Of use to the parser only.
#pragma once

#include "core/config/parser.h"
#include "core/config/sources.h"
#include "core/result.h"

namespace swage::config {

// Puts into the place of
//
//   ipparser DOMAIN                                    ipsubdomain DOMAIN
//                                                      file zones/DOMAIN DOMAIN      where the block has no `file`
//   acme DOMAIN {                                      acme-txt DOMAIN {
//       registration-domain NAME                           store memory PATH
//           [listen-address=A] [external-tls=B]        }
//       database-type badger PATH                      broker NAME {
//   }                                                      listen A
//                                                          tls off, and what a proxy before it needs; or CERT KEY
//                                                      }
//
// with the tokens' files and lines, and sets ServerBlock::translated. Without these directives nothing happens.
// Whether PATH is a folder, and the certificate's variables, are looked up in `sources`; warnings are left there. What
// is wrong with a directive goes to `errors`, and the block is incomplete without it.
void translate_p2p_forge(ServerBlock& block, Sources& sources, Errors& errors);

}  // namespace swage::config
