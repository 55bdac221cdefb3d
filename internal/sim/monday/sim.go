// Package monday is a stateful, strict simulator of Monday.com: boards with typed columns behind Monday's GraphQL API,
// and webhooks for everything that happens on them.
//
// It is an http.Handler that answers POST /v2 like https://api.monday.com/v2: with the same checks of queries and
// column values, the same shapes of errors, and limits that run out. People and forms act on boards through the methods
// of Sim. Undocumented behavior is simulated in the way that is harder on a client.
package monday

import (
	"maps"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"crmsync/internal/sim/fault"
)

// Config configures a simulator. Its zero value serves the example boards without faults and without a JWT, but accepts
// no token: set at least Token.
type Config struct {
	// Token is expected in the Authorization header, with or without "Bearer ". Any other is answered with 401.
	Token string

	// SigningSecret signs the JWT (HS256, valid for 5 minutes) in every webhook's Authorization header. Empty: no JWT,
	// as for webhooks created with a personal token.
	SigningSecret string

	// Boards exist from the start; nil: Example().
	Boards []Board

	// ComplexityPerMinute is the complexity budget; 0: 5,000,000. A mutation costs 1,000 points, a read about one point
	// per value.
	ComplexityPerMinute int

	// NoComplexity omits complexity from the RateLimit headers.
	NoComplexity bool

	// DailyLimit is the number of calls in a UTC day; 0: no limit. A throttled call counts as a tenth.
	DailyLimit int

	// IndexLag is how long items_page_by_column_values finds an item by its former value and not by the new one.
	IndexLag time.Duration

	// PageLag is how far items_page lags behind: it shows items as they were that long ago.
	PageLag time.Duration

	// CursorLife is how long a cursor is valid after the first page; 0: an hour.
	CursorLife time.Duration

	// PageSize is the maximum number of items on a page; 0: as many as the query asks for, up to 500.
	PageSize int

	// Now is Monday's clock; nil: time.Now.
	Now func() time.Time

	// Latency is added to every API call.
	Latency time.Duration

	// FaultRate is the share of API calls that fail, before or after taking effect: 500 without data, 502 in HTML, 429,
	// or a cut connection.
	FaultRate float64

	// Seed makes faults, doubles and delays reproducible.
	Seed int64

	// Deliver receives every webhook in place of an HTTP request, and counts as answered with 200. It is called before
	// the causing call returns, unless Shuffle delays it.
	Deliver func(Delivery)

	// RetryEvery is the time between attempts for a webhook that was not answered with 200; 0: a minute. There are at
	// most 30 attempts.
	RetryEvery time.Duration

	// FreshTriggers gives each attempt of a webhook a triggerUuid of its own. Otherwise all webhooks of the same
	// action, and all their attempts, have one triggerUuid.
	FreshTriggers bool

	// Lost is the share of webhooks that are never sent.
	Lost float64

	// Doubled is the share of webhooks that are sent twice.
	Doubled float64

	// Shuffle is the maximum of the random delay of each delivery.
	Shuffle time.Duration
}

// Sim is one Monday account. It is safe for concurrent use.
type Sim struct {
	*fault.Knobs[Call] // while it is down, the API cuts connections; webhooks are still sent

	cfg     Config
	schema  *ast.Schema
	docs    documents
	limits  limits
	replays replays
	post    sender

	counting sync.Mutex
	calls    map[string]int

	revision atomic.Int64

	mu       sync.RWMutex // guards the fields below
	boards   map[int64]*board
	boardIDs []int64 // in the order of Config.Boards
	items    map[int64]*item
	users    []user
	hooks    map[int64]*webhook
	access   map[int64]Access // by board; missing: Full
	retired  map[string]bool  // versions of the API that are not served
	expired  time.Time        // cursors from before then are no longer valid
	nextItem int64
	nextHook int64
}

// user is a person of the account. The first owns the API token.
type user struct {
	id          int64
	name, email string
}

// The account and its users. Monday's numbers exceed 32 bits.
const (
	accountID  int64 = 18_765_432
	firstItem  int64 = 8_400_000_001
	firstHook  int64 = 810_700_001
	tokenUser  int64 = 67_214_742
	formUser   int64 = -6
	personUser int64 = 67_214_743
)

// New starts a simulator. Close stops it.
func New(cfg Config) *Sim {
	if cfg.Boards == nil {
		cfg.Boards = Example()
	}
	if cfg.ComplexityPerMinute == 0 {
		cfg.ComplexityPerMinute = 5_000_000
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.CursorLife == 0 {
		cfg.CursorLife = time.Hour
	}
	if cfg.RetryEvery == 0 {
		cfg.RetryEvery = time.Minute
	}
	s := &Sim{
		Knobs:  fault.New[Call](cfg.FaultRate, cfg.Latency, uint64(cfg.Seed)+1),
		cfg:    cfg,
		calls:  map[string]int{},
		schema: loadSchema(),
		boards: map[int64]*board{},
		items:  map[int64]*item{},
		hooks:  map[int64]*webhook{},
		access: map[int64]Access{}, retired: map[string]bool{},
		users: []user{
			{tokenUser, "Sync Bot", "sync@example.org"},
			{personUser, "Mo Manager", "mo@example.org"},
		},
		nextItem: firstItem,
		nextHook: firstHook,
	}
	s.limits = limits{complexity: cfg.ComplexityPerMinute, daily: cfg.DailyLimit, isSilent: cfg.NoComplexity}
	s.post.start(cfg)
	for _, b := range cfg.Boards {
		s.boards[b.ID] = newBoard(b)
		s.boardIDs = append(s.boardIDs, b.ID)
	}
	return s
}

// Close stops all deliveries and waits for those under way. Pending webhooks are dropped.
func (s *Sim) Close() { s.post.close() }

// AddUser adds a person who can be named in people columns and found by the users query.
func (s *Sim) AddUser(id int64, name, email string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users = append(s.users, user{id, name, email})
	s.revision.Add(1)
}

// SetLost changes Config.Lost. At 1, no webhooks are sent until it is changed again.
func (s *Sim) SetLost(share float64) { s.post.setLost(share) }

// RetireVersion makes the simulator reject a version of the API.
func (s *Sim) RetireVersion(version string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.retired[version] = true
}

// Calls returns the number of API calls so far by Call.Operation, including failed ones.
func (s *Sim) Calls() map[string]int {
	s.counting.Lock()
	defer s.counting.Unlock()
	return maps.Clone(s.calls)
}

// TotalCalls returns the sum of Calls.
func (s *Sim) TotalCalls() int {
	total := 0
	for _, n := range s.Calls() {
		total += n
	}
	return total
}

// chance is a source of random numbers, reproducible by its seed.
type chance struct {
	mu  sync.Mutex
	rnd *rand.Rand
}

func newChance(seed int64) *chance {
	return &chance{rnd: rand.New(rand.NewPCG(uint64(seed), 0))}
}

// below returns true in the given share of calls.
func (c *chance) below(share float64) bool {
	if share <= 0 {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rnd.Float64() < share
}

// upTo returns a number from 0 to n-1, or 0 if n is 0.
func (c *chance) upTo(n int64) int64 {
	if n <= 0 {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rnd.Int64N(n)
}

var _ http.Handler = (*Sim)(nil)
