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

	// maxChallenge is the largest body that is read from a caller without a valid token. Such a caller may only send a
	// challenge.
	maxChallenge = 4 << 10

	// inPlace is one less than the capacity of a reused body.
	inPlace = 2 << 10
)

// The memory that the bodies of all connections may use, in bytes. Decoding a body, encoding its job and sending it
// takes a few times as much. Large bodies, small bodies and those of unauthenticated callers have separate shares, so
// that they do not delay each other.
const (
	allSmall     = 8 << 20
	allLarge     = 8 << 20
	allStrangers = 1 << 20
)

// waitForMemory limits the wait for memory that other bodies hold. Monday repeats a refused delivery.
const waitForMemory = time.Second

// bodies reads bodies within a memory limit for all connections.
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

// read reads a body of up to 1 MiB. If it cannot, the outcome says why.
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

// fill reserves memory for the expected size and reads. If the body is larger, it reserves more.
func (b *bodies) fill(w http.ResponseWriter, r *http.Request, from *semaphore.Weighted, size,
	limit int64) (*body, outcome) {
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

// body is the body of a request and the memory reserved for it. It counts its users by their holds.
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

// hold keeps the body until one more release.
func (b *body) hold() { b.holders.Add(1) }

// room returns the unused memory behind the body, as an empty slice. It is valid as long as the body is held.
func (b *body) room() []byte { return b.bytes[len(b.bytes):] }

// release ends one hold. After the last one, another request uses the memory: nothing may point into it any more.
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

// reserve extends the body to n bytes, unless others hold the memory for too long.
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

// readFrom reads to the end of src, or returns io.ErrShortBuffer if the body is full before that.
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
