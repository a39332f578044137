/** The order in which test files begin: those that take longest first, so that none is left to run alone at the end. */
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Small files whose tests are generated: their size says nothing. */
const LONG = /switch-|power-cut|commands|surroundings|syscalls/;

export class LongFilesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId, project }: TestSpecification) =>
      project.name === 'faults' && LONG.test(moduleId);
    const unit = sorted.filter(({ project }) => project.name === 'unit');
    const boxed = sorted.filter(({ project }) => project.name !== 'unit');
    return [...unit, ...boxed.filter(isLong), ...boxed.filter((file) => !isLong(file))];
  }
}
