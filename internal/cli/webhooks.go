package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"crmsync/ingest"
	"crmsync/internal/app"
	"crmsync/mondayclient"
	"crmsync/schema/mapping"
	"crmsync/schema/store"
)

type webhooksCommand struct {
	URL  string `help:"Register the missing webhooks at this public address of ingest, such as https://sync.example.org. The path and WEBHOOK_SECRET are appended." placeholder:"https://..."`
	JSON bool   `help:"Print JSON."`
	All  bool   `help:"With --url: register all webhooks, even for events that already have one, such as one of another program or with an old secret."`
	acting
}

// Run lists the webhooks that the mapping needs and, with --url, registers the missing ones.
//
// A webhook counts as ours by its board and event, whoever created it: Monday does not reveal its URL, and its list of
// an app's own webhooks (app_webhooks_only) includes neither those that people created on the board nor, reliably,
// those of a personal token. So nothing is registered twice. If the webhook of an event is another program's, --all
// registers ours as well, each time it is run.
func (c webhooksCommand) Run(ctx context.Context, p *program) error {
	e := app.NewEnvironment(p.getenv)
	s, m, err := c.subscriber(e)
	if err != nil {
		return app.UsageError{Err: err}
	}
	if c.URL != "" {
		db, err := app.OpenDatabase(ctx, e)
		if err != nil {
			return err
		}
		defer db.Close()
		if s.record, err = c.recorder(ctx, store.New(db)); err != nil {
			return err
		}
	}
	err = s.run(ctx, m)
	if printing := c.print(p, s.listed); printing != nil {
		return printing
	}
	if err != nil && c.URL != "" {
		return fmt.Errorf("%w\nMonday only registers an address that answers: ingest must be running and reachable from "+
			"the internet", err)
	}
	if err != nil {
		return err
	}
	if s.missing > 0 && !c.JSON {
		fmt.Fprintf(p.stdout, "%d missing; --url registers them.\n", s.missing)
	}
	return nil
}

// subscriber reads the configuration and the mapping.
func (c webhooksCommand) subscriber(e *app.Environment) (*subscriber, *mapping.Mapping, error) {
	var settings app.Config
	settings.ReadMonday(e)
	s := &subscriber{all: c.All, listed: []webhookListed{}}
	if c.URL != "" {
		e.Database()
		s.url = webhookURL(e, c.URL)
	} else if c.All {
		e.Problem("--all", "needs --url")
	}
	m, err := app.ReadMapping(e.Mapping())
	if err := errors.Join(e.Err(), err); err != nil {
		return nil, nil, err
	}
	s.live, err = app.NewLive(settings)
	return s, m, err
}

// recorder returns what records a registration as the act of a person. It fails if nothing can be recorded now, so that
// nothing is registered then.
func (c webhooksCommand) recorder(ctx context.Context, kept *store.Store) (recorder, error) {
	_, err := kept.Now(ctx)
	return func(ctx context.Context, board *mapping.Board, n int) error {
		return kept.RecordOperation(ctx, store.Operation{
			By: c.by(), Act: store.ActRegister, Subject: plural(n, "webhook") + " of board " + board.Name,
		})
	}, err
}

func (c webhooksCommand) print(p *program, webhooks []webhookListed) error {
	if c.JSON {
		return p.printJSON(webhooks)
	}
	table := newTable(p.stdout)
	fmt.Fprintln(table, "BOARD\tNAME\tEVENT\tSTATE\tWEBHOOK")
	for _, w := range webhooks {
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\n", w.Board, w.Name, w.Event, w.State, cmp.Or(w.Webhook, "-"))
	}
	return table.Flush()
}

// subscriber processes the boards of a mapping.
type subscriber struct {
	live    *app.Live
	url     string // empty: nothing is registered
	all     bool   // even if one exists
	listed  []webhookListed
	missing int
	record  recorder
}

// recorder records how many webhooks of a board were registered.
type recorder func(ctx context.Context, board *mapping.Board, registered int) error

// run reports the result for each webhook. An error of one does not prevent the others from being registered.
func (s *subscriber) run(ctx context.Context, m *mapping.Mapping) error {
	boards, err := s.live.Boards(ctx, m)
	if err != nil {
		return err
	}
	var failures []error
	var refused refusals
	for _, b := range m.Boards {
		if _, ok := boards[b.ID]; !ok {
			failures = append(failures, fmt.Errorf("board %d does not exist, is archived, or is not visible to the token", b.ID))
			continue
		}
		hooks, err := s.live.Monday.Webhooks(ctx, b.ID)
		if err != nil {
			failures = append(failures, err)
			continue
		}
		registered := 0
		for _, event := range mondayclient.Subscriptions() {
			state, id, err := s.ensure(ctx, b.ID, event, hooks)
			refused.add(err)
			if state == stateRegistered {
				registered++
			}
			s.listed = append(s.listed, webhookListed{b.ID, b.Name, event, state, id})
		}
		if registered > 0 {
			failures = append(failures, s.record(context.WithoutCancel(ctx), b, registered))
		}
	}
	return errors.Join(append(refused.errors(), failures...)...)
}

// refusals are the errors of webhooks that Monday did not register, by cause: an address that does not answer is the
// same cause for all of them.
type refusals []refusal

type refusal struct {
	cause string
	first error
	count int
}

func (r *refusals) add(err error) {
	if err == nil {
		return
	}
	cause := err.Error()
	if answer, ok := errors.AsType[*mondayclient.Error](err); ok {
		same := *answer
		same.RequestID = "" // differs from call to call
		cause = same.Error()
	}
	n := slices.IndexFunc(*r, func(known refusal) bool { return known.cause == cause })
	if n < 0 {
		n, *r = len(*r), append(*r, refusal{cause: cause, first: err})
	}
	(*r)[n].count++
}

// errors returns one error for each cause.
func (r refusals) errors() (all []error) {
	for _, one := range r {
		if one.count > 1 {
			one.first = fmt.Errorf("%w; %s for the same reason", one.first,
				counted(one.count-1, "more was refused", "more were refused"))
		}
		all = append(all, one.first)
	}
	return all
}

// stateRegistered is the state of a webhook that did not exist before.
const stateRegistered = "registered"

// ensure finds the webhook of an event, and registers it if it is missing.
func (s *subscriber) ensure(ctx context.Context, board int64, event string,
	hooks []mondayclient.Webhook) (state, id string, err error) {
	n := slices.IndexFunc(hooks, func(h mondayclient.Webhook) bool { return h.Event == event })
	switch {
	case n >= 0 && !s.all:
		return "present", fmt.Sprint(hooks[n].ID), nil
	case s.url == "":
		s.missing++
		return "missing", "", nil
	}
	made, err := s.live.Monday.CreateWebhook(ctx, board, event, s.url)
	if err != nil {
		return "refused", "", err
	}
	return stateRegistered, fmt.Sprint(made), nil
}

// webhookURL returns the address for Monday's deliveries: the public address of ingest with path and secret, unless it
// has them already. It contains the secret, so it is never printed.
func webhookURL(e *app.Environment, address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" ||
		u.Fragment != "" {
		e.Problem("--url", "is not an https address such as https://sync.example.org")
		return ""
	}
	if !strings.Contains(u.Path, ingest.Path) {
		var settings app.Config
		settings.ReadIngest(e)
		u = u.JoinPath(ingest.Path)
		if len(settings.WebhookSecrets) > 0 {
			u = u.JoinPath(settings.WebhookSecrets[0])
		}
	}
	if n := len(u.String()); n > mondayclient.MaxWebhookURL {
		e.Problem("--url", fmt.Sprintf("has %d characters with path and secret; Monday accepts at most %d", n,
			mondayclient.MaxWebhookURL))
	}
	return u.String()
}
