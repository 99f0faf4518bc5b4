/** Our table of names as JSON, for names.py: of each model of the tests its tensors, and what each form calls their modules. */
import { familyOfTensors, namesOf, placeTensor, stackOf } from '../../core/adapters/names.ts'
import { adapterForms } from '../../core/styles.ts'
import { checkpoints } from '../core/adapters/checkpoints.ts'

const models = Object.entries(checkpoints).map(([model, tensors]) => {
  const family = familyOfTensors(tensors)!
  const modules = tensors.map((tensor) => {
    const placed = placeTensor(family, tensor)
    const names = Object.fromEntries(
      adapterForms.map((form) => [
        form,
        placed ? (namesOf(placed, form) ?? []).map(({ name, share }) => [name, share.start, share.end, share.of]) : [],
      ]),
    )
    return { tensor, part: placed?.part.id ?? null, names, stack: (placed && stackOf(placed)?.name) ?? null }
  })
  return [model, modules]
})
process.stdout.write(JSON.stringify(Object.fromEntries(models)))
