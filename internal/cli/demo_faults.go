package cli

import (
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"time"

	sfsim "crmsync/internal/sim/salesforce"
)

const (
	demoLatency   = 50 * time.Millisecond // of every API call
	demoFaultRate = 0.04                  // share of Salesforce's calls that fail
	demoSlowRate  = 0.03                  // share that takes a second
	demoMaxAmount = 1_000_000             // Salesforce refuses more
)

// demoFaults lets Salesforce fail now and then, in every way that a caller must live with.
type demoFaults struct {
	salesforce   *sfsim.Sim
	endSessionAt int

	mu     sync.Mutex
	random *rand.Rand
	inARow int
	calls  int
	before int // failed and not written
	after  int // written, and the answer lost
	slow   int
	ended  int // sessions
}

func newDemoFaults(salesforce *sfsim.Sim, endSessionAt int) *demoFaults {
	f := &demoFaults{salesforce: salesforce, endSessionAt: endSessionAt, random: rand.New(rand.NewPCG(5, 0))}
	salesforce.OnCall(f.strike)
	salesforce.Refuse("Opportunity", "Amount", func(value any) string {
		if amount, ok := value.(float64); ok && amount > demoMaxAmount {
			return "FIELD_CUSTOM_VALIDATION_EXCEPTION"
		}
		return ""
	})
	return f
}

// strike says what goes wrong with a call. Never more than two fail in a row: that would be an outage, which is another
// play.
func (f *demoFaults) strike(c sfsim.Call) *sfsim.Fault {
	if c.Operation == "token" {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.calls++; f.calls == f.endSessionAt {
		f.salesforce.Revoke()
		f.ended++
	}
	chance := f.random.Float64()
	switch {
	case chance < demoFaultRate && f.inARow < 2:
		f.inARow++
		return f.fail(slices.Contains([]string{"create", "update", "upsert", "delete"}, c.Operation))
	case chance > 1-demoSlowRate:
		f.slow++
		f.inARow = 0
		return &sfsim.Fault{Delay: time.Second - demoLatency}
	}
	f.inARow = 0
	return nil
}

func (f *demoFaults) fail(writes bool) *sfsim.Fault {
	fault := &sfsim.Fault{After: writes && f.random.IntN(3) > 0}
	switch f.random.IntN(3) {
	case 0:
		fault.Cut = true
	case 1:
		fault.Status = http.StatusServiceUnavailable
	case 2:
		fault.Status = http.StatusInternalServerError
	}
	if fault.After {
		f.after++
	} else {
		f.before++
	}
	return fault
}

// demoTally is what Salesforce did to its caller so far.
type demoTally struct{ before, after, slow, ended int }

func (t demoTally) all() int { return t.before + t.after + t.slow + t.ended }

func (f *demoFaults) tally() demoTally {
	f.mu.Lock()
	defer f.mu.Unlock()
	return demoTally{f.before, f.after, f.slow, f.ended}
}

// demoChat is Telegram's API, as far as a bot that sends messages sees it.
type demoChat struct {
	mu       sync.Mutex
	messages []string
}

// ServeHTTP takes a message.
func (c *demoChat) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	text := r.FormValue("text")
	if path := r.URL.Path; text == "" || !sendMessage.MatchString(path) {
		http.NotFound(w, r)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.messages = append(c.messages, text)
	answer := `{"ok":true,"result":{"message_id":1,"date":1,"chat":{"id":-1001,"type":"group"},"text":"taken"}}`
	_, _ = w.Write([]byte(answer)) // a bot that does not wait for it sends again
}

var sendMessage = regexp.MustCompile(`^/bot[^/]+/sendMessage$`)

// texts are the messages so far.
func (c *demoChat) texts() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.messages)
}
