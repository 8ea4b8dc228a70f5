// How the removal goes, in the effect's parameters. All but `follow` may be called in InstanceChanged only,
// and in what a pointer does over a viewer.
#pragma once

#include <string>

#include "bridge.h"
#include "instance.h"

namespace void_ofx {

// Shows what the bridge says of this effect's removal or proposal. A changed result counts the revision up, which draws it anew.
// `kept` is the parameter that holds the record which this is about.
void show_status(Instance& instance, const char* kept, const Message& said, OfxTime time);

// Shows what the bridge has said by itself since, if anything.
void take_news(Instance& instance, OfxTime time);

// Asks for news of the effect's removal, once for each bridge, without waiting or setting anything: legal in a render.
// A removal that runs since another day is taken up again by it.
void follow(Instance& instance, const Session& session, const std::string& record, const std::string& folder);

// The buttons.
void refresh(Instance& instance, OfxTime time);
void cancel(Instance& instance, OfxTime time);
void open_folder(Instance& instance, OfxTime time);
// Forgets the proposal. Its files stay.
void reject(Instance& instance, OfxTime time);

}  // namespace void_ofx
