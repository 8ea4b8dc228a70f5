/* A plug-in that breaks one rule at a time: the environment variable DISOBEY says which. Without it, it obeys. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Suites are tables of functions; which slot is which is told by the names below. */
static void **property, **effects, **parameters, **memory, **threads, **messages, **progress;
#define CALL(suite, slot, ...) ((int (*)())(suite)[slot])(__VA_ARGS__)
enum { setPointer, setString, setDouble, setInt, getInt = 11, getString = 9, getPointer = 8, getIntN = 15 };
enum { effectProperties, paramSet, clipDefine, clipHandle, clipProperties, clipImage, releaseImage };
enum { paramDefine, paramHandle, paramGet = 4, paramGetAt = 5, paramSetValue = 8, editBegin = 16, editEnd = 17 };

typedef struct { void *host; void *(*fetch)(void *, const char *, int); } Host;
typedef struct {
  const char *api; int version; const char *id; unsigned major, minor;
  void (*set_host)(Host *); int (*entry)(const char *, void *, void *, void *);
} Plugin;
static Host *host;
static int threads_quit;

static int is(const char *mode) {
  const char *told = getenv("DISOBEY");
  return told && !strcmp(told, mode);
}

static void *waits(void *unused) {
  while (!threads_quit) usleep(1000);
  return unused;
}

static void *fetches(void *clip) {
  void *image = 0;
  CALL(effects, clipImage, clip, 1.0, (void *)0, &image);
  return 0;
}

static void set_host(Host *given) {
  host = given;
  if (is("fetch in setHost")) host->fetch(host->host, "OfxPropertySuite", 1);
}

static int describe(void *effect) {
  void *p;
  CALL(effects, effectProperties, effect, &p);
  CALL(property, setString, p, "OfxPropLabel", 0, is("not utf-8") ? "\xff" : "Disobedient");
  CALL(property, setString, p, "OfxImageEffectPropSupportedContexts", 0, "OfxImageEffectContextFilter");
  CALL(property, setString, p, "OfxImageEffectPropSupportedPixelDepths", 0, "OfxBitDepthFloat");
  CALL(property, setString, p, "OfxImageEffectPropSupportedPixelDepths", 1, "OfxBitDepthHalf");
  CALL(property, setString, p, "OfxImageEffectPluginRenderThreadSafety", 0, "OfxImageEffectRenderFullySafe");
  if (!is("temporal")) CALL(property, setInt, p, "OfxImageEffectPropTemporalClipAccess", 0, 1);
  if (is("unknown property")) CALL(property, setInt, p, "OfxPropOfTomorrow", 0, 1);
  if (is("property of another object")) CALL(property, setInt, p, "OfxImageClipPropOptional", 0, 1);
  if (is("wrong type")) CALL(property, setInt, p, "OfxPropLabel", 0, 1);
  if (is("bad index")) CALL(property, setInt, p, "OfxImageEffectPropSupportsTiles", 1, 1);
  if (is("read-only")) CALL(property, setString, p, "OfxPropType", 0, "mine");
  if (is("colour"))
    CALL(property, setString, p, "OfxImageEffectPropColourManagementStyle", 0, "OfxImageEffectPropColourManagementNone");
  if (is("clip in describe")) CALL(effects, clipDefine, effect, "Source", &p);
  return is("fail describe") ? 14 : 0;
}

static void *param(void *set, const char *type, const char *name) {
  void *p = 0;
  CALL(parameters, paramDefine, set, type, name, &p);
  CALL(property, setInt, p, "OfxParamPropAnimates", 0, 0);
  return p;
}

static int describe_in_context(void *effect) {
  void *p, *set;
  const char *clips[] = {"Source", "Output"};
  for (int i = 0; i < (is("no output") ? 1 : 2); i++) {
    CALL(effects, clipDefine, effect, clips[i], &p);
    if (!is("no components")) CALL(property, setString, p, "OfxImageEffectPropSupportedComponents", 0, "OfxImageComponentRGBA");
    if (!is("temporal")) CALL(property, setInt, p, "OfxImageEffectPropTemporalClipAccess", 0, 1);
  }
  if (is("mandatory matte")) {
    CALL(effects, clipDefine, effect, "Matte", &p);
    CALL(property, setString, p, "OfxImageEffectPropSupportedComponents", 0, "OfxImageComponentRGBA");
  }
  CALL(effects, paramSet, effect, &set);
  p = param(set, "OfxParamTypeInteger", "number");
  const char *ends[] = {"OfxParamPropMin", "OfxParamPropMax", "OfxParamPropDisplayMin", "OfxParamPropDisplayMax"};
  if (!is("no range"))
    for (int i = 0; i < 4; i++) CALL(property, setInt, p, ends[i], 0, i % 2 ? 10 : 0);
  if (is("bad default")) CALL(property, setInt, p, "OfxParamPropDefault", 0, 11);
  CALL(parameters, paramDefine, set, "OfxParamTypePushButton", "go", &p);
  if (is("group")) CALL(property, setString, p, "OfxParamPropParent", 0, "nobody");
  p = param(set, "OfxParamTypeString", "text");
  p = param(set, "OfxParamTypeChoice", "choice");
  CALL(property, setString, p, "OfxParamPropChoiceOption", 0, "one");
  if (is("twice")) param(set, "OfxParamTypeString", "text");
  if (is("2d")) param(set, "OfxParamTypeInteger2D", "point");
  if (is("type")) param(set, "OfxParamTypeTomorrow", "tomorrow");
  return 0;
}

static void *handle_of(void *effect, const char *name, void **properties) {
  void *set, *found = 0;
  CALL(effects, paramSet, effect, &set);
  CALL(parameters, paramHandle, set, name, &found, properties);
  return found;
}

static void *clip_of(void *effect, const char *name) {
  void *clip = 0;
  CALL(effects, clipHandle, effect, name, &clip, (void *)0);
  return clip;
}

static char *kept_text;

static int create(void *effect) {
  void *p;
  if (is("enabled in create")) {
    handle_of(effect, "number", &p);
    CALL(property, setInt, p, "OfxParamPropEnabled", 0, 0);
  }
  if (is("set in create")) CALL(parameters, paramSetValue, handle_of(effect, "number", 0), 1);
  if (is("process in create")) {
    if (!fork()) { usleep(300000); _exit(0); }
  }
  if (is("image in create")) fetches(clip_of(effect, "Source"));
  if (is("no such param")) handle_of(effect, "nobody", 0);
  return is("refuse create") ? 1 : 14;
}

static int changed(void *effect, void *in) {
  void *set, *image = 0;
  char *name, *reason, *text;
  CALL(property, getString, in, "OfxPropName", 0, &name);
  CALL(property, getString, in, "OfxPropChangeReason", 0, &reason);
  CALL(effects, paramSet, effect, &set);
  if (is("image in plugin change") && !strcmp(reason, "OfxChangePluginEdited")) fetches(clip_of(effect, "Source"));
  if (strcmp(name, "go")) return 14;
  if (is("image kept")) { CALL(effects, clipImage, clip_of(effect, "Source"), 1.0, (void *)0, &image); return 0; }
  if (is("output in change")) CALL(effects, clipImage, clip_of(effect, "Output"), 1.0, (void *)0, &image);
  if (is("edit")) CALL(parameters, editBegin, set, "edit");
  if (is("bad value")) CALL(parameters, paramSetValue, handle_of(effect, "choice", 0), 5);
  if (is("bad handle")) CALL(parameters, paramSetValue, (void *)4711, 5);
  if (is("button value")) CALL(parameters, paramSetValue, handle_of(effect, "go", 0), 5);
  if (is("progress")) CALL(progress, 0, effect, "label", "id");
  if (is("no progress")) CALL(progress, 1, effect, 0.5);
  if (is("format")) CALL(messages, 0, effect, "OfxMessageMessage", "id", "100 %o", 1);
  if (is("message with arguments")) CALL(messages, 0, effect, "OfxMessageMessage", "id", "%s of %d %%s", "one", 2);
  if (is("repeated message"))
    for (int i = 0; i < 2; i++) CALL(messages, 1, effect, "OfxMessageError", "id", "%s", "no server");
  if (is("memory")) { void *got; CALL(memory, 0, effect, (size_t)16, &got); }
  if (is("free")) CALL(memory, 1, &image);
  if (is("mutex")) { void *mutex; CALL(threads, 4, &mutex, 0); CALL(threads, 7, mutex); }
  if (is("foreign thread")) {
    pthread_t thread;
    pthread_create(&thread, 0, fetches, clip_of(effect, "Source"));
    pthread_join(thread, 0);
  }
  CALL(parameters, paramSetValue, handle_of(effect, "number", 0), 7);
  CALL(parameters, paramSetValue, handle_of(effect, "text", 0), "gr\xc3\xbc\xc3\x9f");
  CALL(parameters, paramGet, handle_of(effect, "text", 0), &text);
  if (is("text kept")) { if (kept_text) CALL(messages, 0, effect, "OfxMessageMessage", "id", "%s", kept_text); kept_text = text; }
  return 0;
}

static int render(void *effect, void *in) {
  void *source = 0, *output = 0, *to, *from;
  int box[4], window[4], out_bytes, in_bytes, now;
  char *depth;
  double time;
  CALL(property, 10, in, "OfxPropTime", 0, &time);
  CALL(property, getIntN, in, "OfxImageEffectPropRenderWindow", 4, window);
  if (is("set in render")) CALL(parameters, paramSetValue, handle_of(effect, "number", 0), 1);
  if (is("value without time")) CALL(parameters, paramGet, handle_of(effect, "number", 0), &now);
  CALL(effects, clipImage, clip_of(effect, "Source"), is("not announced") || is("temporal") ? time + 1 : time, (void *)0, &source);
  CALL(effects, clipImage, clip_of(effect, "Output"), is("other output") ? time + 1 : time, (void *)0, &output);
  if (!source || !output) return 1;
  CALL(property, getString, output, "OfxImageEffectPropPixelDepth", 0, &depth);
  int size = strcmp(depth, "OfxBitDepthFloat") ? 8 : 16;
  CALL(property, getIntN, output, "OfxImagePropBounds", 4, box);
  CALL(property, getInt, output, "OfxImagePropRowBytes", 0, &out_bytes);
  CALL(property, getInt, source, "OfxImagePropRowBytes", 0, &in_bytes);
  CALL(property, getPointer, output, "OfxImagePropData", 0, &to);
  CALL(property, getPointer, source, "OfxImagePropData", 0, &from);
  int source_box[4];
  CALL(property, getIntN, source, "OfxImagePropBounds", 4, source_box);
  for (int y = window[1]; y < window[3]; y++)
    memcpy((char *)to + (long)(y - box[1]) * out_bytes + (window[0] - box[0]) * size,
           (char *)from + (long)(y - source_box[1]) * in_bytes + (window[0] - source_box[0]) * size,
           (size_t)(window[2] - window[0]) * size);
  if (is("outside image")) ((char *)to)[(box[2] - box[0]) * size] = 1;
  if (is("outside window")) memset((char *)to + (long)(window[3] - 1 - box[1]) * out_bytes, 1, (size_t)(box[2] - box[0]) * size);
  if (is("into input")) ((char *)from)[0] ^= 1;
  CALL(effects, releaseImage, source);
  if (is("released twice")) CALL(effects, releaseImage, source);
  CALL(effects, releaseImage, output);
  return is("answer") ? 13 : 0;
}

static int entry(const char *action, void *handle, void *in, void *out) {
#define FETCH(name, version) host->fetch(host->host, name, version)
  if (!strcmp(action, "OfxActionLoad")) {
    property = FETCH("OfxPropertySuite", 1);
    effects = FETCH("OfxImageEffectSuite", 1);
    parameters = FETCH("OfxParameterSuite", 1);
    memory = FETCH("OfxMemorySuite", 1);
    threads = FETCH("OfxMultiThreadSuite", 1);
    messages = FETCH("OfxMessageSuite", 2);
    progress = FETCH("OfxProgressSuite", 2);
    threads_quit = 0;
    kept_text = 0;
    if (is("thread in load")) { pthread_t t; pthread_create(&t, 0, waits, 0); pthread_detach(t); }
    return 0;
  }
  if (!strcmp(action, "OfxActionUnload")) return 0;
  if (!strcmp(action, "OfxActionDescribe")) return describe(handle);
  if (!strcmp(action, "OfxImageEffectActionDescribeInContext")) return describe_in_context(handle);
  if (!strcmp(action, "OfxActionCreateInstance")) return create(handle);
  if (!strcmp(action, "OfxActionInstanceChanged")) return changed(handle, in);
  if (!strcmp(action, "OfxImageEffectActionRender")) return render(handle, in);
  if (!strcmp(action, "OfxImageEffectActionGetFramesNeeded") && is("odd ranges")) {
    CALL(property, setDouble, out, "OfxImageClipPropFrameRange_Source", 0, 1.0);
    return 0;
  }
  if (!strcmp(action, "OfxImageEffectActionGetClipPreferences") && is("preference")) {
    CALL(property, setString, out, "OfxImageClipPropComponents_Output", 0, "OfxImageComponentAlpha");
    return 0;
  }
  if (!strcmp(action, "OrgExampleActionOfTomorrow") && is("unknown action")) return 0;
  return 14;
}

static Plugin plugin = {"OfxImageEffectPluginAPI", 1, "org.example.disobedient", 1, 0, set_host, entry};
/* For the test, which may not leave a thread behind. */
void disobedient_stop(void) { threads_quit = 1; }
int OfxGetNumberOfPlugins(void) { return 1; }
void *OfxGetPlugin(int nth) { return nth == 0 || is("too many") ? &plugin : 0; }
