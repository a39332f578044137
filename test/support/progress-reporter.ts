/** A reporter for vitest: says which file begins, what became of it and how many are left; counts the tests at the end. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import type { Reporter, TestModule, TestRunEndReason, TestSpecification } from 'vitest/node';

/** Where the counts are, also when the run is cut off: `N passed, N failed[, N skipped]`. */
const COUNTS = process.env.TEST_COUNTS ?? '.cache/counts';

export default class ProgressReporter implements Reporter {
  private files = 0;
  private ended = 0;
  private readonly running = new Map<string, number>();
  private readonly counts = { passed: 0, failed: 0, skipped: 0 };

  onTestRunStart(specifications: readonly TestSpecification[]): void {
    this.files = specifications.length;
    this.writeCounts();
  }

  onTestModuleStart(module: TestModule): void {
    this.running.set(module.id, performance.now());
    if (needsBox(module)) console.log(`${nameOf(module)} begins; ${this.left()}`);
  }

  onTestModuleEnd(module: TestModule): void {
    this.ended += 1;
    const seconds = Math.round((performance.now() - (this.running.get(module.id) ?? 0)) / 1000);
    this.running.delete(module.id);
    this.count(module);
    if (needsBox(module))
      console.log(`${nameOf(module)} ${module.state()} after ${seconds} s; ${this.left()}`);
  }

  onTestRunEnd(modules: readonly TestModule[], _errors: unknown, reason: TestRunEndReason): void {
    if (reason === 'interrupted') console.log(`interrupted; ${this.left()}`);
    // a file that does not even load has no test that could fail
    this.counts.failed += modules.filter(hasOnlyErrors).length;
    this.writeCounts();
  }

  private left(): string {
    return `${this.files - this.ended} of ${this.files} files left, ${this.running.size} running`;
  }

  private count(module: TestModule): void {
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      this.counts[state === 'pending' ? 'skipped' : state] += 1;
    }
    this.writeCounts();
  }

  private writeCounts(): void {
    const { passed, failed, skipped } = this.counts;
    mkdirSync(dirname(COUNTS), { recursive: true });
    writeFileSync(COUNTS, `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
  }
}

const needsBox = (module: TestModule) => module.project.name !== 'unit';

const nameOf = (module: TestModule) => relative(process.cwd(), module.moduleId);

function hasOnlyErrors(module: TestModule): boolean {
  const tests = [...module.children.allTests()];
  return module.state() === 'failed' && tests.every((test) => test.result().state !== 'failed');
}
