// A client of a VOID server for Node, written from docs/protocol.md and nothing else.
'use strict'

const crypto = require('node:crypto')
const fs = require('node:fs')
const path = require('node:path')
const zmq = require('zeromq')

const VERSION = 1
const PROOF_FILE = Buffer.from('void-proof-1')
const PROOF_FOLDER = Buffer.from('void-proof-1-folder')

/** A refusal of the server. */
class Refused extends Error {
  constructor(message) {
    super(`${message.code}: ${message.message}`)
    this.code = message.code
  }
}

/** Read the 40 characters behind `name` in a key file. */
function readKey(file, name) {
  const found = fs.readFileSync(file, 'utf8').match(new RegExp(`^\\s*${name}\\s*=\\s*"(.{40})"\\s*$`, 'm'))
  if (!found) throw new Error(`${file} has no ${name}`)
  return found[1]
}

/** What a home folder says about its server. */
function readHome(home, endpoint) {
  const keys = path.join(home, 'keys')
  return {
    endpoint: endpoint || JSON.parse(fs.readFileSync(path.join(home, 'server.json'), 'utf8')).endpoint,
    curveServerKey: readKey(path.join(keys, 'server.key'), 'public-key'),
    curvePublicKey: readKey(path.join(keys, 'client.key_secret'), 'public-key'),
    curveSecretKey: readKey(path.join(keys, 'client.key_secret'), 'secret-key'),
  }
}

function sha256(bytes) {
  return crypto.createHash('sha256').update(bytes).digest('hex')
}

function uint64(value) {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return bytes
}

class Client {
  constructor(connection) {
    this.connection = connection
    this.number = 0
    this.waiting = new Map() // request number -> {resolve, reject}
    this.fetching = new Map() // request number -> function of (message, payload)
    this.uploads = new Map() // job id -> function of a message
    this.watchers = new Map() // job id -> function of (event, payload)
    this.unasked = [] // errors without a request number
  }

  /** Connect, and open a session. */
  async open() {
    const { endpoint, ...keys } = this.connection
    this.socket = new zmq.Dealer({ linger: 0, ...keys })
    this.socket.connect(endpoint)
    this.outgoing = Promise.resolve()
    this.reading = this.read(this.socket)
    this.welcome = await this.hello()
    this.heartbeat = setInterval(
      () => this.request({ type: 'ping' }).catch(() => undefined), this.welcome.heartbeat_s * 500)
    return this.welcome
  }

  hello(more = {}) {
    return this.request({
      type: 'hello', min_version: VERSION, max_version: VERSION, client: 'void_client.js', ...more,
    })
  }

  /** Leave without a word, as a cut wire does. */
  cut() {
    clearInterval(this.heartbeat)
    this.socket.close()
  }

  async close() {
    await this.say({ type: 'bye' })
    this.cut()
  }

  // Sockets of this library send one message at a time.
  say(message, ...payloads) {
    const control = typeof message === 'string' ? message : JSON.stringify(message)
    this.outgoing = this.outgoing.then(() => this.socket.send([control, ...payloads]))
    return this.outgoing
  }

  async request(message, ...payloads) {
    const request = message.request ?? ++this.number
    const reply = new Promise((resolve, reject) => this.waiting.set(request, { resolve, reject }))
    await this.say({ ...message, request }, ...payloads)
    return reply
  }

  async read(socket) {
    for await (const [control, ...payloads] of socket) {
      this.hear(JSON.parse(control.toString('utf8')), payloads)
    }
  }

  hear(message, payloads) {
    const { type, request, job_id: job } = message
    if (type === 'data') return this.fetching.get(request)?.(message, payloads[0])
    if (type === 'error' && this.fetching.has(request)) return this.fetching.get(request)(message)
    if (['upload_credit', 'file_stored', 'file_refused'].includes(type)) return this.uploads.get(job)?.(message)
    if (['state', 'frame', 'progress', 'preview', 'log'].includes(type)) {
      return this.watchers.get(job)?.(message, payloads)
    }
    const waiting = this.waiting.get(request)
    this.waiting.delete(request)
    if (type === 'error') return waiting ? waiting.reject(new Refused(message)) : this.unasked.push(message)
    return waiting?.resolve(payloads.length ? { ...message, payloads } : message)
  }

  /**
   * Submit a job. With streamed inputs `files` is an array of {group, frame, bytes} in the manifest's order.
   */
  submit(job, { inputs = 'streamed', outputs = 'streamed', files = [], ...more } = {}) {
    const payloads = [JSON.stringify(job)]
    if (inputs === 'streamed') {
      payloads.push(JSON.stringify(files.map(({ group, frame, bytes }) => [group, frame, bytes.length])))
    }
    return this.request({ type: 'submit', inputs, outputs, ...more }, ...payloads)
  }

  /** Send what `accepted` says is missing, with its credit, until every file is stored. */
  async upload(accepted, files) {
    const upload = new Upload(this, accepted, files)
    await upload.run()
    return upload
  }

  /** Follow a job. `hear` gets each event, the missed ones first. */
  watch(jobId, hear, after = null) {
    this.watchers.set(jobId, hear)
    return this.request({ type: 'watch', job_id: jobId, after })
  }

  /** Fetch a frame of a result and check it. */
  fetch(jobId, frame, credit = 2) {
    const request = ++this.number
    const pieces = []
    let length = 0
    return new Promise((resolve, reject) => {
      this.fetching.set(request, (message, bytes) => {
        if (message.type === 'error') {
          this.fetching.delete(request)
          return reject(new Refused(message))
        }
        if (message.offset !== length) return reject(new Error(`a gap at byte ${length}`))
        pieces.push(bytes)
        length += bytes.length
        if (!message.last) return this.say({ type: 'fetch_credit', request, chunks: 1 })
        this.fetching.delete(request)
        const whole = Buffer.concat(pieces)
        if (whole.length !== message.size || sha256(whole) !== message.sha256) {
          return reject(new Error('the file arrived damaged'))
        }
        return resolve(whole)
      })
      this.say({ type: 'fetch', request, job_id: jobId, frame, credit })
    })
  }

  /** All frames of a result that are whole. */
  async results(jobId) {
    const found = []
    let more = true
    while (more) {
      const after = found.length ? found[found.length - 1].frame : null
      const reply = await this.request({ type: 'get_results', job_id: jobId, after_frame: after, limit: 2 })
      found.push(...reply.results)
      more = reply.more
    }
    return found
  }

  /** The whole log of a job. */
  async log(jobId) {
    const pieces = []
    let offset = 0
    let size = 1
    while (offset < size) {
      const reply = await this.request({ type: 'get_log', job_id: jobId, offset, max_bytes: 100 })
      pieces.push(reply.payloads[0])
      offset += reply.payloads[0].length
      size = reply.size
    }
    return Buffer.concat(pieces).toString('utf8')
  }

  /** Whether the server sees the same bytes at these paths, and writes to the same folder. */
  async sees(files, folder) {
    const nonce = crypto.randomBytes(32)
    const asked = files.map((file) => {
      const size = fs.statSync(file).size
      const ranges = [[0, Math.min(size, 64)], [Math.floor(size / 2), 16]]
      return { path: file, ranges, size }
    })
    const probe = crypto.randomBytes(16).toString('hex')
    const content = crypto.randomBytes(32)
    const probeFile = path.join(folder, `.void-probe-${probe}`)
    fs.writeFileSync(probeFile, content)
    try {
      const reply = await this.request({
        type: 'prove',
        nonce: nonce.toString('hex'),
        files: asked.map(({ path: name, ranges }) => ({ path: name, ranges })),
        folder: { path: folder, probe },
      })
      const right = asked.map(({ path: name, ranges, size }, index) => {
        const bytes = fs.readFileSync(name)
        const mac = crypto.createHmac('sha256', nonce).update(PROOF_FILE).update(uint64(size))
        for (const [offset, length] of ranges) {
          mac.update(uint64(offset)).update(uint64(length)).update(bytes.subarray(offset, offset + length))
        }
        return reply.files[index].digest === mac.digest('hex')
      })
      const answer = crypto.createHmac('sha256', nonce).update(PROOF_FOLDER).update(content).digest('hex')
      const written = fs.existsSync(`${probeFile}.answer`) && fs.readFileSync(`${probeFile}.answer`, 'latin1')
      return { files: right, folder: reply.folder.digest === answer && written.trim() === answer, reply }
    } finally {
      for (const name of [probeFile, `${probeFile}.answer`]) fs.rmSync(name, { force: true })
    }
  }
}

/** Sends the files of one job. */
class Upload {
  constructor(client, accepted, files) {
    this.client = client
    this.files = files
    this.jobId = accepted.job.job_id
    this.chunkBytes = client.welcome.limits.chunk_bytes
    this.credit = accepted.credit
    this.returned = 0
    this.sent = 0
    this.refusals = []
    this.stored = new Set()
    for (const [first, last] of accepted.have) {
      for (let file = first; file <= last; file += 1) this.stored.add(file)
    }
    this.begun = new Map(accepted.partial)
    this.wake = () => undefined
    client.uploads.set(this.jobId, (message) => this.hear(message))
  }

  hear(message) {
    if (message.type === 'upload_credit') {
      this.credit += message.chunks
      this.returned += message.chunks
    } else if (message.type === 'file_stored') {
      this.stored.add(message.file)
    } else {
      this.refusals.push(message)
    }
    this.wake()
  }

  async until(condition) {
    while (!condition()) await new Promise((resolve) => { this.wake = resolve })
  }

  async chunk(file, offset, bytes, more = {}) {
    await this.until(() => this.credit > 0)
    this.credit -= 1
    this.sent += 1
    await this.client.say({ type: 'chunk', job_id: this.jobId, file, offset, ...more }, bytes)
  }

  async file(index, { digest, from = 0 } = {}) {
    const { bytes } = this.files[index]
    let offset = from
    do {
      const piece = bytes.subarray(offset, offset + this.chunkBytes)
      const last = offset + piece.length === bytes.length
      await this.chunk(index, offset, piece, last ? { last, sha256: digest ?? sha256(bytes) } : {})
      offset += piece.length
    } while (offset < bytes.length)
  }

  async run() {
    const order = [...this.begun.keys(), ...this.files.keys()]
    for (const index of new Set(order)) {
      for (let tries = 0; tries < 3 && !this.stored.has(index); tries += 1) {
        const before = this.refusals.length
        await this.file(index, { from: tries ? 0 : this.begun.get(index) ?? 0 })
        await this.until(() => this.stored.has(index) || this.refusals.length > before)
        if (this.refusals.slice(before).some(({ code }) => code === 'storage')) break
      }
      if (!this.stored.has(index)) throw new Refused(this.refusals[this.refusals.length - 1])
    }
  }
}

module.exports = { Client, Refused, Upload, readHome, sha256 }
