package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"crmsync/internal/app"
	"crmsync/mondayclient"
	"crmsync/schema/mapping"
	"crmsync/schema/store"
	"crmsync/sfclient"
	"crmsync/worker/engine/plan"
	"crmsync/worker/sweep"
)

type planCommand struct {
	Boards  []string `arg:"" optional:"" name:"board" help:"Boards by their names in the mapping, or by id. Default: all."`
	Item    itemList `help:"Only these items, separated by commas." placeholder:"ID,..."`
	Adopt   string   `help:"Plan as if first meetings were resolved with this side's value." enum:",monday,salesforce" default:"" placeholder:"monday|salesforce"`
	Enforce bool     `help:"Plan as if drift were overwritten with Monday's values."`
	Out     string   `help:"Write the plan, with values, to this file, for apply --plan." placeholder:"FILE"`
	JSON    bool     `help:"Print the plan, with values, for scripts."`
	Check   bool     `help:"Exit with 3 if there is a difference."`
}

// Run compares boards with Salesforce and reports what would be done. It writes nothing to either system.
func (c planCommand) Run(ctx context.Context, p *program) error {
	s, boards, db, err := p.comparison(ctx, c.Boards)
	if err != nil {
		return err
	}
	defer db.Close()
	file, err := c.compare(ctx, p, s, db, boards)
	if err != nil {
		return err
	}
	if c.Out != "" {
		if err := file.write(c.Out); err != nil {
			return err
		}
	}
	if c.JSON {
		err = file.encode(p.stdout)
	} else {
		err = file.print(p.stdout)
	}
	if c.Check && err == nil && file.differs() {
		return differencesError{}
	}
	return err
}

// compare compares boards with Salesforce, and returns the plan.
func (c planCommand) compare(ctx context.Context, p *program, s *app.Service, db *pgxpool.Pool,
	boards []*mapping.Board) (file planFile, err error) {
	config, err := s.PoolConfig(db, prometheus.NewRegistry())
	if err != nil {
		return file, err
	}
	items, kept := numbers(c.Item), store.New(db)
	if err := knowItems(ctx, config.Monday, kept, s.Mapping, boards, items); err != nil {
		return file, err
	}
	choices := plan.Choices{Adopt: mapping.Side(c.Adopt), Enforce: c.Enforce}
	file = planFile{Version: planVersion, Mapping: s.Mapping.Fingerprint(), MadeAt: time.Now().UTC(), Choices: choices}
	found, err := newSweeper(s, db, config.Salesforce, config.Monday).Plans(ctx, boards, items, choices)
	if err != nil {
		return file, err
	}
	compared := 0
	for n, board := range boards {
		b := boardPlanOf(board, found[n])
		compared += b.Items + len(b.Differing)
		file.Boards = append(file.Boards, b)
	}
	if len(items) > 0 && compared == 0 {
		none := fmt.Errorf("--item: Monday shows none of the items %s on these boards", joined(items))
		if c.Check {
			return file, none
		}
		fmt.Fprintln(p.stderr, none)
	}
	if err := c.recordPlanned(ctx, kept, boards); err != nil {
		return file, err
	}
	file.Salesforce, file.Monday = budgets(ctx, config.Salesforce, config.Monday, file.Boards)
	file.Checksum = file.checksum()
	return file, nil
}

// joined returns ids as a list.
func joined(ids []int64) string {
	texts := make([]string, len(ids))
	for n, id := range ids {
		texts[n] = strconv.FormatInt(id, 10)
	}
	return strings.Join(texts, ", ")
}

// recordPlanned records that a plan was made with the boards' two-way directions, which check asks for. A plan of only
// some items does not count.
func (c planCommand) recordPlanned(ctx context.Context, s *store.Store, boards []*mapping.Board) error {
	var ways []string
	for _, b := range boards {
		if b.Ways() != "" {
			ways = append(ways, b.Ways())
		}
	}
	if len(ways) == 0 || len(c.Item) > 0 {
		return nil
	}
	return s.AddPlanned(ctx, ways)
}

// differencesError ends a command with the exit code for differences.
type differencesError struct{}

func (differencesError) Error() string { return "there are differences" }

// comparison prepares a command that compares boards.
func (p *program) comparison(ctx context.Context,
	names []string) (*app.Service, []*mapping.Board, *pgxpool.Pool, error) {
	s, boards, err := p.compared(names)
	if err != nil {
		return nil, nil, nil, err
	}
	db, err := p.connect(ctx, s)
	return s, boards, db, err
}

// compared returns the boards that a command compares, before it asks anything of Postgres.
func (p *program) compared(names []string) (*app.Service, []*mapping.Board, error) {
	config, err := app.ReadConfig(p.getenv, app.Role{Worker: true})
	m, reading := app.ReadMapping(config.Mapping)
	if err := errors.Join(err, reading); err != nil {
		return nil, nil, app.UsageError{Err: err}
	}
	boards, err := chosenBoards(m, names)
	if err != nil {
		return nil, nil, app.UsageError{Err: err}
	}
	s := &app.Service{Config: config, Role: app.Role{Worker: true}, Mapping: m, Log: app.NewCommandLog(p.stderr, config)}
	return s, boards, nil
}

// connect connects a command to the database, and applies pending migrations unless that is off.
func (p *program) connect(ctx context.Context, s *app.Service) (*pgxpool.Pool, error) {
	db, err := s.Connect(ctx)
	if err != nil || !s.Config.SchemaUp {
		return db, err
	}
	if err := store.Migrate(ctx, s.Config.SchemaURL()); err != nil {
		db.Close()
		return nil, fmt.Errorf("migrating the schema: %w", err)
	}
	return db, nil
}

// chosenBoards returns the boards with these names or ids, in the order of the mapping, or all if none are given.
func chosenBoards(m *mapping.Mapping, names []string) (chosen []*mapping.Board, err error) {
	var known []string
	wanted := map[string]bool{}
	for _, name := range names {
		wanted[name] = true
	}
	for _, b := range m.Boards {
		known = append(known, b.Name)
		id := strconv.FormatInt(b.ID, 10)
		if len(names) == 0 || wanted[b.Name] || wanted[id] {
			chosen = append(chosen, b)
		}
		delete(wanted, b.Name)
		delete(wanted, id)
	}
	for name := range wanted {
		unknown := fmt.Errorf("the mapping has no board %q; it has: %s", name, strings.Join(known, ", "))
		if _, notNumber := strconv.ParseInt(name, 10, 64); notNumber == nil {
			unknown = fmt.Errorf("%w. To name several items, put commas between them: --item 1,2", unknown)
		}
		err = errors.Join(err, unknown)
	}
	return chosen, err
}

// newSweeper returns a sweeper that only plans: its engine gets no events.
func newSweeper(s *app.Service, db *pgxpool.Pool, salesforce *sfclient.Client,
	monday *mondayclient.Client) *sweep.Sweeper {
	comparer := s.NewComparer(db, salesforce, monday)
	return sweep.New(sweep.Config{Mapping: s.Mapping, Store: store.New(db), Engine: comparer, Monday: monday, Log: s.Log,
		Now: time.Now})
}

// budgets returns what is left of both systems' calls, and how many the plan needs. What cannot be read is unknown.
func budgets(ctx context.Context, salesforce *sfclient.Client, monday *mondayclient.Client,
	boards []boardPlan) (s, m callBudget) {
	for _, b := range boards {
		s.Needed += b.SalesforceCalls
		m.Needed += b.MondayCalls
	}
	if who, err := salesforce.WhoAmI(ctx); err == nil {
		s.Limit, s.Used = who.Limit, who.Used
	}
	if who, err := monday.WhoAmI(ctx); err == nil {
		m.Limit, m.Used = who.DailyLimit, who.UsedToday
	}
	return s, m
}

// write writes the plan to a file that only its owner can read, because it contains values.
func (f planFile) write(path string) error {
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the plan: %w", err)
	}
	if err := os.WriteFile(path, append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	return nil
}
