import './styles/tokens.css'
import './styles/base.css'
import { mount } from 'svelte'
import { applyTheme } from './lib/theme.ts'
import Start from './Start.svelte'

applyTheme()
const target = document.getElementById('app')
if (target !== null) mount(Start, { target })
