package alert

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"mime"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nicholas-fedor/shoutrrr/pkg/services/email/smtp"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/incident/pagerduty"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/push/ntfy"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"
)

// NewServices returns the channels that URLs describe. The URLs hold secrets: errors name them by their position and
// scheme only.
func NewServices(urls []string) (channels []Channel, err error) {
	names := map[string]int{}
	for n, text := range urls {
		channel, problem := newService(text, http.DefaultTransport)
		if problem != nil {
			err = errors.Join(err, fmt.Errorf("URL %d: %w", n+1, problem))
			continue
		}
		kind := channel.Name()
		if names[kind]++; names[kind] > 1 {
			channel = named{channel, fmt.Sprintf("%s-%d", kind, names[kind])}
		}
		channels = append(channels, channel)
	}
	return channels, err
}

// named is a channel with its own name, needed if there are several of a kind.
type named struct {
	Channel
	name string
}

func (n named) Name() string { return n.name }
func (n named) Wakes() bool  { return wakes(n.Channel) }

// newService returns the channel that a URL describes.
func newService(text string, transport http.RoundTripper) (Channel, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, errors.New("not a URL; special characters in a password must be percent-encoded")
	}
	switch u.Scheme {
	case "webhook+https", "webhook+http":
		return newWebhook(u, transport)
	case "teams+https", "teams+http":
		return newTeams(u, transport)
	case "smtp":
		return newMail(u)
	case "ntfy":
		s := &ntfy.Service{}
		if err := initialize(s, u); err != nil {
			return nil, err
		}
		if err := CheckURL(s.Config.GetAPIURL()); err != nil {
			return nil, fmt.Errorf("ntfy: %w", err)
		}
		caller := newCaller(transport)
		s.SetHTTPClient(caller.client())
		return &service{kind: "ntfy", service: s, caller: caller, title: true}, nil
	case "pagerduty":
		s, caller := &pagerduty.Service{}, newCaller(transport)
		s.SetHTTPClient(caller.client())
		if err := initialize(s, u); err != nil {
			return nil, err
		}
		return &service{kind: "pagerduty", service: s, caller: caller, wakes: true}, nil
	}
	return nil, errors.New("its scheme must be one of smtp, teams+https, pagerduty, ntfy and webhook+https")
}

// initialize configures a service of the library, whose errors may repeat the URL.
func initialize(s types.Service, u *url.URL) error {
	if err := s.Initialize(u, log.New(io.Discard, "", 0)); err != nil {
		return fmt.Errorf("not a valid %s URL: docs/operating.md has an example", u.Scheme)
	}
	return nil
}

// newMail returns a channel that sends e-mail. The password must not travel in the clear.
func newMail(u *url.URL) (Channel, error) {
	s := &smtp.Service{}
	if err := initialize(s, u); err != nil {
		return nil, err
	}
	ip := net.ParseIP(s.Config.Host)
	local := s.Config.Host == "localhost" || ip != nil && ip.IsLoopback()
	if !local {
		s.Config.RequireStartTLS = true
		if s.Config.SkipTLSVerify || !s.Config.UseStartTLS {
			return nil, errors.New("smtp: TLS with a valid certificate is required")
		}
	}
	if s.Config.Username == "" {
		s.Config.Auth = smtp.AuthTypes.None
	}
	s.Config.Timeout = sending
	return &service{kind: "email", service: s, title: true}, nil
}

// service is a channel that uses a service of the library.
type service struct {
	kind    string
	service types.Service
	caller  *caller // makes its calls; nil: it makes none over HTTP
	title   bool    // its messages have titles
	wakes   bool    // each of its messages wakes people

	mu   sync.Mutex
	busy bool // a message is still being sent
}

// Name returns the channel's name in logs, metrics and the status.
func (s *service) Name() string { return s.kind }

// Wakes reports whether the channel wakes people.
func (s *service) Wakes() bool { return s.wakes }

// Send sends a text. The library takes no context, so a message that takes too long is abandoned, and no other one is
// sent until it has ended.
func (s *service) Send(ctx context.Context, text string) error {
	if !s.begin() {
		return errors.New("the previous message is still being sent")
	}
	ctx, cancel := context.WithTimeout(ctx, sending)
	defer cancel()
	sent := make(chan error, 1)
	go func() {
		err := s.send(text)
		s.end() // before the answer, which the next message may follow immediately
		sent <- err
	}()
	select {
	case err := <-sent:
		return err
	case <-ctx.Done():
		return errors.New("no answer in time")
	}
}

func (s *service) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	free := !s.busy
	s.busy = true
	return free
}

func (s *service) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy = false
}

// send sends a text. The library's errors may repeat addresses and answers, so none of their texts is passed on.
func (s *service) send(text string) (err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("could not send")
		}
	}()
	params := types.Params{}
	if s.title {
		first, _, _ := strings.Cut(text, "\n")
		params["title"] = mime.QEncoding.Encode("utf-8", shorten("crmsync: "+strings.TrimPrefix(first, "crmsync "), 120))
	}
	if s.caller != nil {
		return s.caller.judge(s.service.Send(text, &params))
	}
	return publicError(s.service.Send(text, &params))
}

// publicError returns the part of a library error that may be shown.
func publicError(err error) error {
	if err == nil {
		return nil
	}
	if answered, ok := errors.AsType[*textproto.Error](err); ok {
		return fmt.Errorf("the server answered %d", answered.Code)
	}
	if failed, ok := errors.AsType[net.Error](err); ok {
		if failed.Timeout() {
			return errors.New("no answer in time")
		}
		return errors.New("no connection")
	}
	return errors.New("could not send")
}

func shorten(text string, most int) string {
	if letters := []rune(text); len(letters) > most {
		return string(letters[:most-1]) + "…"
	}
	return text
}

// caller makes the HTTP calls of a channel. It follows no redirect, accepts only a 2xx answer as confirmation, and
// records why a call failed. Its users make one call at a time.
type caller struct {
	next http.RoundTripper

	mu    sync.Mutex
	calls int
	err   error // of the last call
}

func newCaller(next http.RoundTripper) *caller { return &caller{next: next} }

func (c *caller) client() *http.Client {
	return &http.Client{Transport: c, Timeout: sending, CheckRedirect: refuseRedirect}
}

// RoundTrip makes a call.
func (c *caller) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := c.next.RoundTrip(req)
	if err != nil {
		return nil, c.record(publicError(err))
	}
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		_ = c.record(nil)
		return resp, nil
	}
	_ = resp.Body.Close()
	if wait := pauseOf(resp); wait > 0 {
		return nil, c.record(&pauseError{wait})
	}
	return nil, c.record(&answerError{resp.StatusCode})
}

func (c *caller) record(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls, c.err = c.calls+1, err
	return err
}

// judge returns the error to report for a message, from what the library reports and what the caller has seen.
func (c *caller) judge(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	calls, failed := c.calls, c.err
	c.calls, c.err = 0, nil
	switch {
	case failed != nil:
		return failed
	case calls == 0:
		return cmp.Or(publicError(err), errors.New("nothing was sent"))
	}
	return publicError(err)
}

// pauseOf returns how long an answer asks to wait; 0: it does not.
func pauseOf(resp *http.Response) time.Duration {
	const least, most = time.Second, time.Hour
	if resp.StatusCode != http.StatusTooManyRequests {
		return 0
	}
	seconds, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	if err != nil {
		return time.Minute
	}
	return min(max(time.Duration(seconds)*time.Second, least), most)
}
