// One copy of `muster cp` from a source to a target: what it is, where exactly it goes, and how
// several of them are carried out side by side.
#pragma once

#include <string>
#include <vector>

#include <muster/node_error.h>

#include "harness/rpc/file/copy.h"
#include "harness/rpc/file/tar_archive.h"

namespace harness {

// Why something was not copied. An empty text: it was.
struct CopyFailure {
  std::string text = {};
  // The kind of a NodeError.
  std::string kind = {};
  // The node could not be reached, or did not let us in.
  bool isAbsence = false;
};

CopyFailure failureOf(const muster::NodeError& error, std::string text);

// Throws NodeError of that kind, which names no node.
[[noreturn]] void refuseCopy(muster::NodeError::Kind kind, const std::string& text);

// Returns "NODE:PATH", or the path alone on this machine.
std::string endText(const CopyEnd& end);

struct CopyTransfer {
  CopyEnd source;
  CopyEnd target;
  // Each of several source nodes has a directory of its own, target/NODE.
  bool intoOwnDirectory = false;
  // The target must be a directory.
  bool isOneOfSeveral = false;
  muster::TransferResult result;
  CopyFailure failure;
};

// The options that all copies of one command share.
struct CopyManner {
  bool recursive = false;
  bool hasExactTarget = false;
  CopyOptions options;
  muster::SteadyTime until;
  // Takes all sources. Null: they go to their targets.
  TarArchive* archive = nullptr;
};

// Carries out the transfers of one node one after the other, and those of different nodes at once.
// Those that have failed already are left out, and each that fails has its failure. It decides the
// final targets as cp(1) does.
void carryOutAll(std::vector<CopyTransfer>& transfers, const CopyManner& manner);

}  // namespace harness
