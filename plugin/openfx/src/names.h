// Names that projects and hosts remember. None of them may ever change; the labels beside them may.
#pragma once

namespace void_ofx {

constexpr const char* kPluginIdentifier = "net.voidfornuke.remove";
constexpr unsigned int kPluginMajor = 1;
constexpr unsigned int kPluginMinor = 0;

namespace clip {
constexpr const char* kSource = "Source";
constexpr const char* kRemove = "Remove";
constexpr const char* kAffected = "Affected";
constexpr const char* kHoldOut = "HoldOut";
constexpr const char* kOutput = "Output";
}  // namespace clip

namespace param {
constexpr const char* kShow = "show";
constexpr const char* kRemove = "remove";
constexpr const char* kCancel = "cancel";
constexpr const char* kRefresh = "refresh";
constexpr const char* kOpenFolder = "openFolder";
constexpr const char* kPropose = "propose";
constexpr const char* kReject = "rejectProposal";
constexpr const char* kStatus = "status";

constexpr const char* kMattes = "mattes";
constexpr const char* kRemoveFrom = "removeFrom";
constexpr const char* kAffectedFrom = "affectedFrom";
constexpr const char* kHoldOutFrom = "holdOutFrom";
constexpr const char* kUseProposal = "useProposal";
constexpr const char* kProposalGrow = "proposalGrow";
constexpr const char* kGrowAuto = "growAuto";
constexpr const char* kGrow = "grow";
constexpr const char* kSoften = "soften";

constexpr const char* kRemoval = "removal";
constexpr const char* kEngine = "engine";
constexpr const char* kEngineName = "engineName";
constexpr const char* kQuality = "quality";
constexpr const char* kPrompt = "prompt";
constexpr const char* kRange = "range";
constexpr const char* kFirst = "first";
constexpr const char* kLast = "last";
constexpr const char* kHandles = "handles";
constexpr const char* kScale = "scale";
constexpr const char* kColourSpace = "colourSpace";
constexpr const char* kSeed = "seed";

constexpr const char* kPropagation = "propagation";
constexpr const char* kMotion = "motion";
constexpr const char* kSources = "sources";
constexpr const char* kFill = "fill";
constexpr const char* kGrain = "grain";

constexpr const char* kOtherEngine = "otherOptions";
constexpr const char* kEngineOptions = "engineOptions";

constexpr const char* kOutput = "output";
constexpr const char* kFolder = "folder";
constexpr const char* kVersion = "version";
constexpr const char* kMissing = "missing";

constexpr const char* kLogGroup = "logGroup";
constexpr const char* kLog = "log";

// Hidden: what the bridge needs to find the result and the proposal again, and a number that changes when pictures do.
constexpr const char* kRecord = "record";
constexpr const char* kProposal = "proposal";
constexpr const char* kRevision = "revision";
}  // namespace param

}  // namespace void_ofx
