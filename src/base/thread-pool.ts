/**
 * Imported before anything else: more threads for files than libuv's four.
 *
 * A network file system that hangs keeps a thread for each call, whatever became of whoever made it. A backup of four
 * files at once would so leave none, and not even the journal could be written to give the tablet back.
 */
const THREADS = 24

process.env['UV_THREADPOOL_SIZE'] ??= String(THREADS)
