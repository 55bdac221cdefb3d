// Package monday is a stateful, strict stand-in for Monday.com: boards with typed columns behind
// Monday's GraphQL API, and webhooks about everything that happens on them.
//
// It is an http.Handler that answers POST /v2 as https://api.monday.com/v2 does: the same checks of
// queries and column values, the same shapes of errors, limits that run out. People and forms act on
// boards through the methods of Sim. What Monday does not document is simulated in the way that is
// harder on a client.
package monday

import (
	"maps"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"crmsync/internal/sim/fault"
)

// Config says which Monday to be. Its zero value serves the example boards, with no faults, no JWT and
// a token that is never right; set at least Token.
type Config struct {
	// Token is expected in the Authorization header, with or without "Bearer ". Every other is answered
	// with 401.
	Token string

	// SigningSecret signs a JWT (HS256, valid for 5 minutes) into every webhook's Authorization header.
	// Empty: webhooks carry none, as those made with a personal token.
	SigningSecret string

	// Boards exist from the start; nil: Example().
	Boards []Board

	// ComplexityPerMinute is the budget that queries spend; 0: 5,000,000. Nothing is free: a mutation costs
	// 1,000, a read about one point a value.
	ComplexityPerMinute int

	// NoComplexity leaves complexity out of the RateLimit headers.
	NoComplexity bool

	// DailyLimit is the number of calls in a UTC day; 0: without limit. A throttled call counts a tenth.
	DailyLimit int

	// IndexLag is how long items_page_by_column_values does not yet find a written value, and still finds the one before.
	IndexLag time.Duration

	// PageLag is by how much items_page is behind: it shows items as they were then.
	PageLag time.Duration

	// CursorLife is how long after the first page a cursor can be used; 0: an hour.
	CursorLife time.Duration

	// Now is Monday's clock; nil: time.Now.
	Now func() time.Time

	// Latency is added to every API call.
	Latency time.Duration

	// FaultRate is the share of API calls that fail, before or after they took effect: 500 without data,
	// 502 in HTML, 429, or a cut connection.
	FaultRate float64

	// Seed makes faults, doubles and delays come out the same again.
	Seed int64

	// Deliver takes every webhook in place of an HTTP request, and counts as answered with 200. It is
	// called before the call returns that caused the webhook, unless Shuffle delays it.
	Deliver func(Delivery)

	// RetryEvery is the time between tries of a webhook that was not answered with 200; 0: a minute. After
	// 30 tries it is given up.
	RetryEvery time.Duration

	// FreshTriggers gives each attempt of a webhook a triggerUuid of its own. Else a webhook keeps the one that all
	// webhooks of the same act have.
	FreshTriggers bool

	// Lost is the share of webhooks that are never sent.
	Lost float64

	// Doubled is the share of webhooks that are sent twice.
	Doubled float64

	// Shuffle delays each delivery by a random time up to this.
	Shuffle time.Duration
}

// Sim is one Monday account. It is safe for concurrent use.
type Sim struct {
	*fault.Knobs[Call] // an API that is down cuts connections; webhooks still go out

	cfg     Config
	schema  *ast.Schema
	docs    documents
	limits  limits
	replays replays
	post    postman

	counting sync.Mutex
	calls    map[string]int

	mu       sync.RWMutex // guards what follows
	boards   map[int64]*board
	boardIDs []int64 // in the order of Config.Boards
	items    map[int64]*item
	users    []user
	hooks    map[int64]*webhook
	access   map[int64]Access // by board; none: Full
	retired  map[string]bool  // versions of the API that are not served
	nextItem int64
	nextHook int64
}

// user is a person of the account. The first one owns the API token.
type user struct {
	id          int64
	name, email string
}

// The account, and who acts in it. Monday's numbers exceed 32 bits.
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

// Close stops all deliveries and waits for those under way. Webhooks that still pend are dropped.
func (s *Sim) Close() { s.post.close() }

// AddUser lets a person be named in people columns and found by the users query.
func (s *Sim) AddUser(id int64, name, email string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users = append(s.users, user{id, name, email})
}

// SetLost changes Config.Lost: at 1, what happens on the boards meanwhile is never delivered.
func (s *Sim) SetLost(share float64) { s.post.setLost(share) }

// RetireVersion ends the service of a version of the API.
func (s *Sim) RetireVersion(version string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.retired[version] = true
}

// Calls counts the API calls so far by Call.Operation, whatever became of them.
func (s *Sim) Calls() map[string]int {
	s.counting.Lock()
	defer s.counting.Unlock()
	return maps.Clone(s.calls)
}

// TotalCalls is the sum of Calls.
func (s *Sim) TotalCalls() int {
	total := 0
	for _, n := range s.Calls() {
		total += n
	}
	return total
}

// chance is a source of random numbers that repeats itself by seed.
type chance struct {
	mu  sync.Mutex
	rnd *rand.Rand
}

func newChance(seed int64) *chance {
	return &chance{rnd: rand.New(rand.NewPCG(uint64(seed), 0))}
}

// below reports true in the given share of calls.
func (c *chance) below(share float64) bool {
	if share <= 0 {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rnd.Float64() < share
}

// upTo is a number from 0 to n-1; 0 where n is 0.
func (c *chance) upTo(n int64) int64 {
	if n <= 0 {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rnd.Int64N(n)
}

var _ http.Handler = (*Sim)(nil)
