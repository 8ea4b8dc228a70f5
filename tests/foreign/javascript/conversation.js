// Holds conversations with a running server and prints one JSON line for each: {"name": ..., "problem": ""}.
//
//     node conversation.js HOME COLLEAGUE FOLDER
//
// HOME is the home folder of the server, COLLEAGUE that of another client, whose keys and address were made by
// "void keys new-client"; FOLDER is an empty one for files. The server copies plates to results.
'use strict'

const assert = require('node:assert/strict')
const crypto = require('node:crypto')
const fs = require('node:fs')
const path = require('node:path')
const { Client, Upload, readHome, sha256 } = require('./void_client.js')

const [home, colleague, folder] = process.argv.slice(2)
const EXR = Buffer.from([0x76, 0x2f, 0x31, 0x01])
const FRAMES = [1001, 1002, 1003]

function exr(size) {
  return Buffer.concat([EXR, crypto.randomBytes(size - EXR.length)])
}

/** A job as docs/job.md describes it, and its files in the order of a manifest. */
function newJob(changes = {}) {
  const square = [[100, 100], [300, 100], [300, 300], [100, 300]]
  const job = {
    schema_version: 1,
    job_id: crypto.randomBytes(16).toString('hex'),
    shot: {
      name: 'js010',
      plate: 'plates/js010.%04d.exr',
      first_frame: FRAMES[0],
      last_frame: FRAMES[FRAMES.length - 1],
      format: { width: 1920, height: 1080 },
    },
    shapes: [{ name: 'hand', role: 'remove', frames: FRAMES.map((frame) => ({ frame, points: square })) }],
    mattes: [
      { role: 'affected', pattern: 'mattes/shadow.####.exr' },
      { role: 'ignore', pattern: 'mattes/held.exr', channel: 'R' },
    ],
    anchors: { pattern: 'clean/js010.%04d.exr', frames: [1003, 1001] },
    output: { pattern: 'results/js010_{version}.%04d.exr', version: 7 },
    ...changes,
  }
  const files = [
    ...FRAMES.map((frame, index) => ({ group: 'plate', frame, bytes: exr(1_200_000 + index) })),
    ...FRAMES.map((frame) => ({ group: 'matte.0', frame, bytes: exr(1000) })),
    { group: 'matte.1', frame: null, bytes: exr(500) },
    { group: 'anchors', frame: 1001, bytes: exr(700) },
    { group: 'anchors', frame: 1003, bytes: exr(701) },
  ]
  return { job, files, id: job.job_id, plates: FRAMES.map((frame, index) => files[index].bytes) }
}

/** The same job with all files in `folder`, named by absolute paths. */
function jobOnDisk(name, changes = {}) {
  const root = path.join(folder, name)
  for (const part of ['plates', 'mattes', 'clean', 'results']) fs.mkdirSync(path.join(root, part), { recursive: true })
  const made = newJob(changes)
  const { job } = made
  job.shot.plate = path.join(root, job.shot.plate)
  for (const matte of job.mattes) matte.pattern = path.join(root, matte.pattern)
  job.anchors.pattern = path.join(root, job.anchors.pattern)
  job.output.pattern = path.join(root, job.output.pattern)
  const patterns = { plate: job.shot.plate, 'matte.0': job.mattes[0].pattern, 'matte.1': job.mattes[1].pattern, anchors: job.anchors.pattern }
  made.paths = made.files.map(({ group, frame, bytes }) => {
    const file = patterns[group].replace(/%04d|####/, String(frame))
    fs.writeFileSync(file, bytes)
    return file
  })
  made.results = path.join(root, 'results')
  return made
}

function isRefused(code) {
  return (error) => {
    assert.equal(error.code, code, error.message)
    return true
  }
}

/** The states of a job from its first event to its end, and the numbers of all events. */
function follow(client, id) {
  const told = { states: [], frames: [], sequences: [] }
  told.ended = new Promise((resolve) => {
    told.hear = (event) => {
      if (event.sequence !== undefined) told.sequences.push(event.sequence)
      if (event.type === 'frame') told.frames.push(event)
      if (event.type !== 'state') return
      told.states.push(event.state)
      if (['done', 'failed', 'cancelled'].includes(event.state)) resolve(event)
    }
  })
  return client.watch(id, told.hear, 0).then(() => told)
}

async function connected(where = home) {
  const client = new Client(readHome(where))
  await client.open()
  return client
}

async function finished(client, made) {
  const accepted = await client.submit(made.job, { files: made.files })
  const told = await follow(client, made.id)
  await client.upload(accepted, made.files)
  const end = await told.ended
  assert.equal(end.state, 'done', end.message)
  return told
}

const CONVERSATIONS = {
  async 'a welcome says what is allowed'(client) {
    const { version, heartbeat_s: beat, limits, owner, server, server_id: id } = client.welcome
    assert.deepEqual([version, owner], [1, 'local'])
    assert.ok(beat > 0 && server.length && id.length)
    assert.deepEqual(Object.keys(limits).sort(), [
      'chunk_bytes', 'control_bytes', 'fetch_credit', 'fetches', 'file_bytes', 'job_bytes', 'proof_files', 'upload_credit',
    ])
  },

  async 'nothing is heard before hello'() {
    const stranger = new Client(readHome(home))
    stranger.hello = () => stranger.request({ type: 'ping' })
    await assert.rejects(stranger.open(), isRefused('no_session'))
    delete stranger.hello
    await assert.rejects(stranger.hello({ min_version: 2, max_version: 9 }), isRefused('version'))
    assert.equal((await stranger.hello({ max_version: 9 })).version, 1)
    stranger.cut()
  },

  async 'files stream in and results stream out, with paths that are relative'(client) {
    const made = newJob()
    const accepted = await client.submit(made.job, { files: made.files })
    assert.equal(accepted.job.state, 'uploading')
    assert.equal(accepted.job.output_pattern, 'results/js010_v007.%04d.exr')
    assert.deepEqual([accepted.have, accepted.partial], [[], []])
    assert.equal(accepted.credit, client.welcome.limits.upload_credit)
    const told = await follow(client, made.id)
    const upload = await client.upload(accepted, made.files)
    assert.equal((await told.ended).state, 'done')
    assert.ok(upload.returned <= upload.sent)
    assert.deepEqual(told.states.slice(-3), ['queued', 'running', 'done'])
    assert.deepEqual(told.sequences, told.sequences.map((_, index) => told.sequences[0] + index))
    assert.deepEqual(told.frames.map(({ frame }) => frame), FRAMES)
    const results = await client.results(made.id)
    assert.deepEqual(results.map(({ frame, size, sha256: sum }) => [frame, size, sum]),
      FRAMES.map((frame, index) => [frame, made.plates[index].length, sha256(made.plates[index])]))
    for (const [index, frame] of FRAMES.entries()) {
      assert.ok((await client.fetch(made.id, frame, 1 + index)).equals(made.plates[index]))
    }
  },

  async 'every credit comes back, also for files that are passed over'(client) {
    const made = newJob()
    const accepted = await client.submit(made.job, { files: made.files })
    const upload = new Upload(client, accepted, made.files)
    const all = () => upload.returned === upload.sent
    await upload.file(0, { digest: sha256('another file') })
    await upload.until(() => upload.refusals.length === 1 && all())
    assert.deepEqual([upload.refusals[0].file, upload.refusals[0].code], [0, 'checksum'])
    // The first chunk is a refusal, the second is passed over in silence.
    await upload.chunk(3, 5, made.files[3].bytes)
    await upload.chunk(3, 6, made.files[3].bytes)
    await upload.until(() => upload.refusals.length === 2 && all())
    assert.deepEqual([upload.refusals[1].file, upload.refusals[1].code], [3, 'bad_chunk'])
    await upload.file(3)
    await upload.until(() => upload.stored.has(3) && all())
    // A file that the server has already is passed over, and told once more.
    upload.stored.delete(3)
    await upload.file(3)
    await upload.until(() => upload.stored.has(3) && all())
    // No file of that number.
    await upload.chunk(99, 0, Buffer.from('x'))
    await upload.until(() => upload.refusals.length === 3 && all())
    assert.equal(upload.refusals[2].code, 'bad_chunk')
    assert.equal(upload.credit, accepted.credit)
    assert.equal((await client.request({ type: 'cancel', job_id: made.id })).job.state, 'cancelled')
    await client.say({ type: 'chunk', job_id: made.id, file: 0, offset: 0 }, made.files[0].bytes.subarray(0, 10))
    await client.request({ type: 'ping' })
    assert.deepEqual(client.unasked.map(({ code }) => code), ['no_upload'])
    client.unasked = []
  },

  async 'a chunk without credit is refused'(client) {
    const made = newJob()
    const accepted = await client.submit(made.job, { files: made.files })
    const upload = new Upload(client, accepted, made.files)
    const piece = made.files[0].bytes.subarray(0, 1000)
    for (let at = 0; at < 200; at += 1) {
      client.say({ type: 'chunk', job_id: made.id, file: 0, offset: at * 1000 }, piece)
    }
    await upload.until(() => upload.refusals.some(({ code }) => code === 'limit'))
    await client.request({ type: 'cancel', job_id: made.id })
  },

  async 'an upload goes on over another connection'(client) {
    const made = newJob()
    const first = await connected()
    const accepted = await first.submit(made.job, { files: made.files })
    const begun = new Upload(first, accepted, made.files)
    await begun.file(0)
    await begun.until(() => begun.stored.has(0))
    await begun.chunk(1, 0, made.files[1].bytes.subarray(0, begun.chunkBytes))
    await begun.until(() => begun.returned === begun.sent)
    first.cut()
    const again = await client.submit(made.job, { files: made.files })
    assert.deepEqual(again.have, [[0, 0]])
    assert.deepEqual(again.partial, [[1, begun.chunkBytes]])
    assert.equal(again.job.state, 'uploading')
    const told = await follow(client, made.id)
    await client.upload(again, made.files)
    assert.equal((await told.ended).state, 'done')
    // A known job whose files are all here: there is nothing to send.
    const known = await client.submit(made.job, { files: made.files })
    assert.deepEqual([known.job.state, known.have, known.partial, known.credit], ['done', [], [], 0])
    await assert.rejects(
      client.submit({ ...made.job, settings: { seed: 7 } }, { files: made.files }), isRefused('conflict'))
  },

  async 'a second hello changes nothing'(client) {
    const made = newJob()
    const accepted = await client.submit(made.job, { files: made.files })
    const told = await follow(client, made.id)
    const welcome = await client.hello()
    assert.equal(welcome.server_id, client.welcome.server_id)
    await client.upload(accepted, made.files)
    assert.equal((await told.ended).state, 'done')
  },

  async 'bye ends a session and hello begins one'() {
    const client = await connected()
    await client.say({ type: 'bye' })
    await assert.rejects(client.request({ type: 'ping' }), isRefused('no_session'))
    await client.hello()
    await client.close()
  },

  async 'a session ends with silence, and chunks are no silence'() {
    const silent = await connected()
    const busy = await connected()
    const made = newJob()
    const upload = new Upload(busy, await busy.submit(made.job, { files: made.files }), made.files)
    for (const client of [silent, busy]) clearInterval(client.heartbeat)
    const beat = 1000 * silent.welcome.heartbeat_s
    for (let at = 0; at < 15; at += 1) {
      await upload.chunk(0, at * 1000, made.files[0].bytes.subarray(at * 1000, (at + 1) * 1000))
      await new Promise((resolve) => { setTimeout(resolve, beat / 3) })
    }
    await assert.rejects(silent.request({ type: 'ping' }), isRefused('no_session'))
    assert.equal((await busy.request({ type: 'ping' })).type, 'pong')
    await silent.hello()
    assert.equal((await silent.request({ type: 'cancel', job_id: made.id })).job.state, 'cancelled')
    await silent.close()
    await busy.close()
  },

  async 'an int has no fraction'(client) {
    const raw = `{"type":"get_job","request":1.0,"job_id":"x"}`
    await client.say(raw)
    await client.request({ type: 'ping' })
    assert.deepEqual(client.unasked.map(({ code, request }) => [code, request ?? null]), [['bad_message', null]])
    client.unasked = []
    const made = newJob()
    const text = JSON.stringify(made.job)
    const manifest = JSON.stringify(made.files.map(({ group, frame, bytes }) => [group, frame, bytes.length]))
    const wrong = { type: 'submit', inputs: 'streamed', outputs: 'streamed' }
    await assert.rejects(client.request(wrong, text.replace('"version":7', '"version":7.0'), manifest), isRefused('bad_job'))
    await assert.rejects(client.request(wrong, text, manifest.replace(/1200000/, '1200000.0')), isRefused('bad_message'))
    const fine = text.replace('"pixel_aspect":1', '"pixel_aspect":1.0').replace('[100,100]', '[1e2,100.0]')
    const accepted = await client.request(wrong, fine, manifest)
    assert.equal(accepted.type, 'accepted')
    await client.request({ type: 'cancel', job_id: made.id })
  },

  async 'texts stand on one line'(client) {
    for (const order of ['\n', '\u001b[2J', '\u0085', '\u009b', '\u2028']) {
      await assert.rejects(client.request({ type: 'hello', min_version: 1, max_version: 1, user: `a${order}` }), isRefused('bad_message'))
      const made = newJob()
      made.job.shot.name = `a${order}`
      await assert.rejects(client.submit(made.job, { files: made.files }), isRefused('bad_job'))
    }
  },

  async 'the server proves that it sees the same files'(client) {
    const made = jobOnDisk('proof')
    const other = path.join(folder, 'proof', 'note.txt')
    fs.writeFileSync(other, 'not an EXR file')
    const seen = await client.sees([...made.paths, other], made.results)
    assert.deepEqual(seen.files, [...made.paths.map(() => true), false])
    assert.ok(seen.folder)
    assert.equal(seen.reply.files[made.paths.length].digest, null)
    assert.ok(seen.reply.files[made.paths.length].problem.length)
    assert.deepEqual(fs.readdirSync(made.results), [])
  },

  async 'files go by path, in and out'(client) {
    const made = jobOnDisk('paths')
    const accepted = await client.submit(made.job, { inputs: 'paths', outputs: 'paths' })
    assert.deepEqual([accepted.have, accepted.partial, accepted.credit], [[], [], 0])
    assert.equal(accepted.job.state, 'queued')
    const told = await follow(client, made.id)
    assert.equal((await told.ended).state, 'done')
    for (const [index, frame] of FRAMES.entries()) {
      assert.ok(fs.readFileSync(path.join(made.results, `js010_v007.${frame}.exr`)).equals(made.plates[index]))
      assert.ok((await client.fetch(made.id, frame)).equals(made.plates[index]), 'a frame by path is fetched too')
    }
    await client.request({ type: 'release', job_id: made.id })
    assert.ok((await client.fetch(made.id, 1001)).equals(made.plates[0]), 'release deletes no frame by path')
    fs.rmSync(path.join(made.results, 'js010_v007.1002.exr'))
    await assert.rejects(client.fetch(made.id, 1002), isRefused('storage'))
  },

  async 'files go in by path and results stream out to a relative pattern'(client) {
    const made = jobOnDisk('mixed')
    made.job.output.pattern = 'here/r.%04d.exr'
    const accepted = await client.submit(made.job, { inputs: 'paths', outputs: 'streamed' })
    assert.deepEqual([accepted.job.state, accepted.job.output_pattern], ['queued', 'here/r.%04d.exr'])
    const told = await follow(client, made.id)
    assert.equal((await told.ended).state, 'done')
    assert.ok((await client.fetch(made.id, 1003)).equals(made.plates[2]))
    const { job } = newJob()
    await assert.rejects(client.submit(job, { inputs: 'paths', outputs: 'streamed' }), isRefused('refused_path'))
    await assert.rejects(client.submit(job, { outputs: 'paths', files: newJob().files }), isRefused('refused_path'))
  },

  async 'after release the frames are listed and not sent'(client) {
    const made = newJob()
    await finished(client, made)
    const before = await client.results(made.id)
    assert.equal((await client.request({ type: 'release', job_id: made.id })).job.state, 'done')
    assert.deepEqual(await client.results(made.id), before)
    await assert.rejects(client.fetch(made.id, 1001), (error) => {
      assert.equal(error.code, 'unknown_frame', error.message)
      assert.ok(!error.message.includes(home), 'the server tells none of its own paths')
      return true
    })
    assert.equal((await client.request({ type: 'release', job_id: made.id })).job.state, 'done')
    await assert.rejects(client.fetch(made.id, 5000), isRefused('unknown_frame'))
  },

  async 'a fetch of a running number begins anew'(client) {
    const made = newJob()
    await finished(client, made)
    const request = ++client.number
    const heard = []
    let wake = () => undefined
    client.fetching.set(request, (message, bytes) => { heard.push([message, bytes]); wake() })
    const count = (number) => new Promise((resolve) => {
      wake = () => { if (heard.length >= number) resolve() }
      wake()
    })
    await client.say({ type: 'fetch', request, job_id: made.id, frame: 1001, credit: 1 })
    await count(1)
    await client.say({ type: 'fetch', request, job_id: made.id, frame: 1002, credit: 1 })
    await count(2)
    await client.say({ type: 'fetch_credit', request, chunks: 1 })
    await count(3)
    assert.deepEqual(heard.map(([{ offset, last }]) => [offset, last]), [[0, false], [0, false], [1_048_576, true]])
    assert.ok(Buffer.concat([heard[1][1], heard[2][1]]).equals(made.plates[1]))
    // Stopped early: nothing comes, and the number may be used again.
    await client.say({ type: 'fetch', request, job_id: made.id, frame: 1003, credit: 1 })
    await count(4)
    await client.say({ type: 'stop_fetch', request })
    await client.say({ type: 'fetch_credit', request, chunks: 1 })
    await client.request({ type: 'ping' })
    assert.equal(heard.length, 4)
  },

  async 'missed events come again, and a gap is told'(client) {
    const made = newJob()
    const told = await finished(client, made)
    const events = []
    client.watchers.set(made.id, (event) => events.push(event))
    const reply = await client.request({ type: 'watch', job_id: made.id, after: told.sequences[1] })
    await client.request({ type: 'ping' })
    assert.deepEqual(events.map(({ sequence }) => sequence), told.sequences.slice(2))
    assert.equal(reply.gap, false)
    const gap = await client.request({ type: 'watch', job_id: made.id, after: 10_000 })
    assert.deepEqual([gap.gap, gap.job.sequence], [true, reply.job.sequence])
    assert.equal((await client.request({ type: 'unwatch', job_id: made.id })).job.state, 'done')
  },

  async 'the log dates its lines in UTC'(client) {
    const made = newJob()
    await finished(client, made)
    const lines = (await client.log(made.id)).trimEnd().split('\n')
    assert.ok(lines.length > 3)
    for (const line of lines) {
      assert.match(line, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00 /)
      assert.ok(Math.abs(Date.parse(line.slice(0, 25)) - Date.now()) < 600_000)
    }
  },

  async 'a job is paused, resumed and cancelled'(client) {
    const made = newJob({ settings: { prompt: 'slow' } })
    const paused = await client.request({ type: 'pause', reason: 'lunch [/] <b>' })
    assert.equal(paused.queue.mode, 'paused')
    try {
      const accepted = await client.submit(made.job, { files: made.files, priority: -5 })
      await client.upload(accepted, made.files)
      const held = await client.request({ type: 'pause', job_id: made.id, reason: 'later' })
      assert.deepEqual([held.job.state, held.job.is_paused, held.job.queue_position], ['queued', true, null])
      assert.equal((await client.request({ type: 'resume', job_id: made.id })).job.is_paused, false)
      assert.equal((await client.request({ type: 'set_priority', job_id: made.id, priority: 3 })).job.priority, 3)
      assert.ok((await client.request({ type: 'list_jobs', states: ['queued'] })).jobs.some(({ job_id: id }) => id === made.id))
      assert.equal((await client.request({ type: 'cancel', job_id: made.id })).job.state, 'cancelled')
      assert.ok((await client.request({ type: 'get_health' })).notes.some((note) => note.includes('lunch [/] <b>')))
    } finally {
      assert.equal((await client.request({ type: 'resume' })).queue.mode, 'open')
    }
  },

  async 'a colleague sees a job, fetches it and changes nothing'(client) {
    const made = newJob()
    const accepted = await client.submit(made.job, { files: made.files })
    const anna = await connected(colleague)
    await assert.rejects(anna.submit(made.job, { files: made.files }), isRefused('conflict'))
    const told = await follow(anna, made.id)
    await client.upload(accepted, made.files)
    assert.equal((await told.ended).state, 'done')
    assert.equal((await anna.request({ type: 'get_job', job_id: made.id })).job.owner, 'local')
    assert.ok((await anna.fetch(made.id, 1002)).equals(made.plates[1]))
    for (const what of [
      { type: 'cancel', job_id: made.id }, { type: 'release', job_id: made.id }, { type: 'pause', job_id: made.id },
      { type: 'set_priority', job_id: made.id, priority: 1 }, { type: 'pause' }, { type: 'drain' }, { type: 'resume' },
      { type: 'clean', apply: true },
    ]) {
      await assert.rejects(anna.request(what), isRefused('operators_only'))
    }
    const own = newJob()
    await assert.rejects(anna.submit(own.job, { files: own.files, priority: 1 }), isRefused('operators_only'))
    assert.equal((await finished(anna, own)).frames.length, FRAMES.length)
    assert.deepEqual(anna.unasked, [])
    await anna.close()
  },

  async 'the server tells how it is'(client) {
    const status = await client.request({ type: 'get_status' })
    assert.ok(status.workers.length && status.sessions >= 1 && status.uptime_s > 0)
    const health = await client.request({ type: 'get_health' })
    assert.equal(health.is_healthy, true, health.problems.join())
    const { engines } = await client.request({ type: 'get_engines' })
    assert.ok(engines.some(({ name }) => name === 'propagation'))
    const cleaned = await client.request({ type: 'clean' })
    assert.equal(cleaned.applied, false)
    await assert.rejects(client.request({ type: 'make_tea' }), isRefused('unknown_type'))
    await assert.rejects(client.request({ type: 'get_job', job_id: 'nobody' }), isRefused('unknown_job'))
    await assert.rejects(client.request({ type: 'get_job' }), isRefused('bad_message'))
    assert.equal((await client.request({ type: 'get_status', not_known: [1] })).type, 'status')
  },
}

async function main() {
  for (const [name, hold] of Object.entries(CONVERSATIONS)) {
    let problem = ''
    const client = await connected()
    let late
    try {
      const limit = new Promise((_, reject) => {
        late = setTimeout(() => reject(new Error('no answer for 60 s')), 60_000)
      })
      await Promise.race([hold(client), limit])
      assert.deepEqual(client.unasked, [])
    } catch (error) {
      problem = error.stack
    }
    clearTimeout(late)
    await client.close()
    process.stdout.write(`${JSON.stringify({ name, problem })}\n`)
  }
}

main().then(() => process.exit(0), (error) => {
  process.stderr.write(`${error.stack}\n`)
  process.exit(1)
})
