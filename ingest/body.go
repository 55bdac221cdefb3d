package ingest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
)

// Sizes of bodies, in bytes. A real payload has about 1 KiB.
const (
	// maxBody is the largest body that is read.
	maxBody = 1 << 20

	// maxSmall is the largest body that does not compete with large ones for memory.
	maxSmall = 64 << 10

	// maxChallenge is the most that is read from a caller without a valid token: all it may send is a challenge.
	maxChallenge = 4 << 10

	// inPlace is the largest body that fits into a body that is used again, less one.
	inPlace = 2 << 10
)

// The memory that bodies may take over all connections, in bytes. Decoding a body, encoding its job and sending that take a
// few times as much. Large bodies, small ones and those of strangers have a share each, so that none holds up the others.
const (
	allSmall     = 8 << 20
	allLarge     = 8 << 20
	allStrangers = 1 << 20
)

// waitForMemory bounds the wait for memory that other bodies hold. Monday repeats a delivery that is refused.
const waitForMemory = time.Second

// bodies reads bodies within a bound that holds over all connections.
type bodies struct {
	small, large, strangers *semaphore.Weighted
}

func newBodies() *bodies {
	return &bodies{
		small:     semaphore.NewWeighted(allSmall),
		large:     semaphore.NewWeighted(allLarge),
		strangers: semaphore.NewWeighted(allStrangers),
	}
}

// read reads a body of up to 1 MiB. An outcome that is not empty says why it could not.
func (b *bodies) read(w http.ResponseWriter, r *http.Request) (*body, outcome) {
	size, from := r.ContentLength, b.small
	switch {
	case size > maxBody:
		return nil, tooLarge
	case size > maxSmall:
		from = b.large
	case size < 0: // unknown
		size = maxSmall
	}
	return b.fill(w, r, from, size, maxBody)
}

// readChallenge reads a body that is no larger than a challenge.
func (b *bodies) readChallenge(w http.ResponseWriter, r *http.Request) (*body, outcome) {
	if r.ContentLength > maxChallenge {
		return nil, tooLarge
	}
	return b.fill(w, r, b.strangers, maxChallenge, maxChallenge)
}

// fill reserves memory for the size that is expected, and reads. More than that is reserved where the body has no end there.
func (b *bodies) fill(w http.ResponseWriter, r *http.Request, from *semaphore.Weighted, size, limit int64) (*body, outcome) {
	read := spare.Get().(*body)
	read.holders.Store(1)
	if !read.reserve(r.Context(), from, size+1) {
		read.release()
		return nil, busy
	}
	src := http.MaxBytesReader(w, r.Body, limit)
	err := read.readFrom(src)
	if errors.Is(err, io.ErrShortBuffer) {
		if !read.reserve(r.Context(), b.large, limit+1) {
			read.release()
			return nil, busy
		}
		err = read.readFrom(src)
	}
	if err == nil {
		return read, ""
	}
	read.release()
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, tooLarge
	}
	return nil, cutShort
}

// body is the body of one request and the memory that is reserved for it. Whoever needs it holds it.
type body struct {
	bytes    []byte
	array    [inPlace]byte
	reserved [2]reservation
	holders  atomic.Int32
}

type reservation struct {
	from *semaphore.Weighted
	n    int64
}

var spare = sync.Pool{New: func() any { return new(body) }}

// hold keeps the body until a further release.
func (b *body) hold() { b.holders.Add(1) }

// release ends one hold. After the last one the memory serves another request: nothing may point into it any more.
func (b *body) release() {
	if b.holders.Add(-1) > 0 {
		return
	}
	for i, r := range b.reserved {
		if r.from != nil {
			r.from.Release(r.n)
			b.reserved[i] = reservation{}
		}
	}
	b.bytes = nil
	spare.Put(b)
}

// reserve makes room for n bytes in all, unless others hold the memory for too long.
func (b *body) reserve(ctx context.Context, from *semaphore.Weighted, n int64) bool {
	n = max(n, inPlace)
	if !from.TryAcquire(n) {
		ctx, cancel := context.WithTimeout(ctx, waitForMemory)
		defer cancel()
		if from.Acquire(ctx, n) != nil {
			return false
		}
	}
	if b.reserved[0].from == nil {
		b.reserved[0] = reservation{from, n}
	} else {
		b.reserved[1] = reservation{from, n}
	}
	if n == inPlace {
		b.bytes = b.array[:0]
	} else {
		b.bytes = append(make([]byte, 0, n), b.bytes...)
	}
	return true
}

// readFrom reads to the end of src. Where the room ends before that, it returns io.ErrShortBuffer.
func (b *body) readFrom(src io.Reader) error {
	for len(b.bytes) < cap(b.bytes) {
		n, err := src.Read(b.bytes[len(b.bytes):cap(b.bytes)])
		b.bytes = b.bytes[:len(b.bytes)+n]
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return io.ErrShortBuffer
}
