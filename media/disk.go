package media

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// diskWaiting is how many bytes of audio may wait for the disk; more becomes
// silence. 16 MB are 10 s of 100 recordings.
const diskWaiting = 16 << 20

// disk writes recordings. One goroutine writes what arrives, a second one makes
// finished files safe, so that a slow fsync holds up no other call.
type disk struct {
	stats   *Stats
	told    func(Recorded) // from the second goroutine
	writing jobs
	sealing jobs
	waiting atomic.Int64 // bytes of audio in writing
	free    chan []byte  // spent buffers
	wg      sync.WaitGroup
}

// job is one thing to do for one file; a nil audio with end set finishes it.
type job struct {
	file  *liveFile
	pos   int64 // sample where audio belongs
	audio []byte
	open  bool
	end   bool
}

// liveFile is a recording on disk. All but dropped belong to the writing
// goroutine and are handed on to the sealing one with the end job.
type liveFile struct {
	id      RecordingID
	path    string // when whole
	live    string // until then
	f       *os.File
	samples int64 // per channel, in the file
	headed  int64 // samples that the header tells of
	head    [liveHeader]byte
	total   int64 // per channel, when finished
	err     error // the first one
	dropped atomic.Uint64
}

func newDisk(stats *Stats, told func(Recorded)) *disk {
	return &disk{stats: stats, told: told, writing: newJobs(), sealing: newJobs(), free: make(chan []byte, 256)}
}

func (d *disk) start() {
	// Owned by the shard, which ends them in stop.
	d.wg.Go(func() {
		d.writing.run(d.writeJob)
		d.sealing.end()
	})
	d.wg.Go(func() { d.sealing.run(d.seal) })
}

// stop returns when everything handed over is on disk and told.
func (d *disk) stop() {
	d.writing.end()
	d.wg.Wait()
}

// open begins a file. The name until it is whole is path with .live.wav.
func (d *disk) open(id RecordingID, path string) *liveFile {
	file := &liveFile{id: id, path: path, live: LivePath(path)}
	d.writing.add(job{file: file, open: true})
	return file
}

// LivePath is the name of a recording's file while it is being written.
func LivePath(path string) string { return strings.TrimSuffix(path, ".wav") + ".live.wav" }

// buffer gives room for n bytes of audio; nil if the disk is too far behind.
func (d *disk) buffer(file *liveFile, n int) []byte {
	if d.waiting.Load()+int64(n) > diskWaiting {
		file.dropped.Add(uint64(n))
		d.stats.RecordDrops.Add(uint64(n))
		return nil
	}
	select {
	case b := <-d.free:
		return b[:0]
	default:
		return make([]byte, 0, 2*recChunk)
	}
}

// write hands over audio that belongs at sample pos; b is the disk's now.
func (d *disk) write(file *liveFile, pos int64, b []byte) {
	d.waiting.Add(int64(len(b)))
	d.stats.RecordBytes.Add(uint64(len(b)))
	d.writing.add(job{file: file, pos: pos, audio: b})
}

// finish ends a file of so many samples per channel.
func (d *disk) finish(file *liveFile, samples int64) {
	d.writing.add(job{file: file, pos: samples, end: true})
}

func (d *disk) writeJob(j job) {
	file := j.file
	switch {
	case j.open:
		file.f, file.err = os.OpenFile(file.live, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
		if file.err == nil {
			file.fail(file.header())
		}
	case j.end:
		file.total = j.pos
		if err := file.fill(j.pos); err != nil {
			file.fail(err)
		} else {
			file.fail(file.header())
		}
		d.sealing.add(j)
	default:
		err := file.write(j.pos, j.audio)
		file.fail(err)
		if err != nil {
			file.dropped.Add(uint64(len(j.audio)))
			d.stats.RecordDrops.Add(uint64(len(j.audio)))
		}
		d.waiting.Add(-int64(len(j.audio)))
		select {
		case d.free <- j.audio:
		default:
		}
	}
}

var errNoFile = errors.New("file was not created")

func (f *liveFile) fail(err error) {
	if f.err == nil {
		f.err = err
	}
}

// write puts audio at a sample; what is missing before it becomes silence.
func (f *liveFile) write(pos int64, audio []byte) error {
	if err := f.fill(pos); err != nil {
		return err
	}
	if _, err := f.f.WriteAt(audio, liveHeader+2*pos); err != nil {
		return err
	}
	f.samples = max(f.samples, pos+int64(len(audio)/2))
	if f.samples-f.headed < headEvery {
		return nil // the header is valid, though it tells of less than there is
	}
	return f.header()
}

// headEvery is how many samples a header may be behind.
const headEvery = sampleRate * 3 / 5

// fill makes the file at least pos samples long.
func (f *liveFile) fill(pos int64) error {
	if f.f == nil {
		return errNoFile
	}
	if f.samples >= pos {
		return nil
	}
	for f.samples < pos {
		n := min(pos-f.samples, int64(len(silence)/2))
		if _, err := f.f.WriteAt(silence[:2*n], liveHeader+2*f.samples); err != nil {
			return err
		}
		f.samples += n
	}
	return f.header()
}

// header makes the file valid up to what was written.
func (f *liveFile) header() error {
	f.headed = f.samples
	_, err := f.f.WriteAt(appendHeader(f.head[:0], formatUlaw, sampleRate, 2, 2*f.samples), 0)
	return err
}

// seal makes a file safe, gives it its name and tells of it.
func (d *disk) seal(j job) {
	f := j.file
	r := Recorded{
		ID:       f.id,
		Path:     f.path,
		Duration: time.Duration(f.samples) * (time.Second / sampleRate),
		Dropped:  f.dropped.Load(),
	}
	if f.f != nil {
		r.Bytes = liveHeader + 2*f.samples
		f.fail(f.f.Sync())
		f.fail(f.f.Close())
		if err := f.rename(); err != nil {
			f.fail(err)
			r.Path = f.live
		} else if err := writePeaks(f.path); err != nil {
			d.stats.PeakErrors.Add(1) // they can be made from the recording again
		}
	}
	if f.err != nil {
		r.Err = fmt.Errorf("media: record %s: %w", f.path, f.err)
	}
	d.told(r)
}

// rename gives the file its name unless that is taken, and makes it last.
func (f *liveFile) rename() error {
	if _, err := os.Lstat(f.path); err == nil {
		return fmt.Errorf("%s: %w", f.path, os.ErrExist)
	}
	if err := os.Rename(f.live, f.path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(f.path))
}

func syncDir(name string) error {
	dir, err := os.Open(name)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

// jobs is a queue for one goroutine. Audio in it is bounded by diskWaiting, the
// rest by the number of recordings.
type jobs struct {
	mu    sync.Mutex // guards list and ended
	list  []job
	ended bool
	wake  chan struct{}
}

func newJobs() jobs { return jobs{wake: make(chan struct{}, 1)} }

func (q *jobs) add(j job) {
	q.mu.Lock()
	q.list = append(q.list, j)
	q.mu.Unlock()
	q.signal()
}

func (q *jobs) end() {
	q.mu.Lock()
	q.ended = true
	q.mu.Unlock()
	q.signal()
}

func (q *jobs) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// run does jobs in order until end was called and none is left.
func (q *jobs) run(f func(job)) {
	var spare []job
	for {
		q.mu.Lock()
		list, ended := q.list, q.ended
		q.list = spare[:0]
		q.mu.Unlock()
		for _, j := range list {
			f(j)
		}
		clear(list)
		spare = list
		switch {
		case len(list) > 0:
		case ended:
			return
		default:
			<-q.wake
		}
	}
}
