// How the removal goes, in the effect's parameters. All of it may be called in InstanceChanged only.
#pragma once

#include <string>

#include "bridge.h"
#include "instance.h"

namespace void_ofx {

// Shows what the bridge says of this effect's removal. A changed result counts the revision up, which draws it anew.
void show_status(const Instance& instance, const Message& said, OfxTime time);

// Shows what the bridge has said by itself since, if anything.
void take_news(const Instance& instance, OfxTime time);

// The buttons.
void refresh(Instance& instance, OfxTime time);
void cancel(Instance& instance, OfxTime time);
void open_folder(Instance& instance, OfxTime time);

}  // namespace void_ofx
